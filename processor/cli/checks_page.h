/* deploy/CHECKS.md, put in by the build: what each code of `check` means.
 *
 * Layer: cli.
 */
#ifndef CLI_CHECKS_PAGE_H
#define CLI_CHECKS_PAGE_H

extern const char checks_page[];

#endif /* CLI_CHECKS_PAGE_H */
