/* The text of deploy/demo-shop.yaml, embedded when built.
 *
 * Layer: cli.
 */
#ifndef CLI_DEMO_SHOP_H
#define CLI_DEMO_SHOP_H

extern const char demo_shop_yaml[];

#endif /* CLI_DEMO_SHOP_H */
