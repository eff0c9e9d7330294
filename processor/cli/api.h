/* The pages of a running process: the dashboard and /api/v1, as deploy/openapi.yaml describes them.
 *
 * Layer: cli. Answers for supervisor_options.page; the context is the struct config it runs.
 * Customers' data wants the token of `http.token`; everything else is open to who may connect.
 */
#ifndef CLI_API_H
#define CLI_API_H
#include "processor/runtime/supervisor.h"

supervisor_page api_page;

#endif /* CLI_API_H */
