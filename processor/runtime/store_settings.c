#include "processor/runtime/store_settings.h"

#define STORE_REPLY_TIME_MS 5000

struct store_redis_options store_settings(const struct config *c)
{
    return (struct store_redis_options){ .app = c->rules->app,
                                         .socket = c->redis_socket,
                                         .host = c->redis_host,
                                         .port = c->redis_port,
                                         .database = c->redis_database,
                                         .user = c->redis_user,
                                         .password = c->redis_password,
                                         .reply_timeout_ms = STORE_REPLY_TIME_MS };
}
