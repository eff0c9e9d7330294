/* Texts that the build puts in: the dashboard of deploy/dashboard and deploy/openapi.yaml.
 *
 * Layer: cli.
 */
#ifndef CLI_API_PAGES_H
#define CLI_API_PAGES_H

extern const char api_index_html[];
extern const char api_dashboard_css[];
extern const char api_dashboard_js[];
extern const char api_openapi_yaml[];

#endif /* CLI_API_PAGES_H */
