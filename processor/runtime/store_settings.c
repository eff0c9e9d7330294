#include "processor/runtime/store_settings.h"

#define STORE_REPLY_TIME_MS 5000

struct store_redis_options store_settings(const struct config *c)
{
    static const enum store_redis_layout layouts[] = {
        [REDIS_LAYOUT_SINGLE] = STORE_REDIS_SINGLE,
        [REDIS_LAYOUT_CLUSTER] = STORE_REDIS_CLUSTER,
        [REDIS_LAYOUT_SENTINEL] = STORE_REDIS_SENTINEL,
    };

    return (struct store_redis_options){ .app = c->rules->app,
                                         .layout = layouts[c->redis_layout],
                                         .nodes = c->redis_nodes,
                                         .node_count = c->redis_node_count,
                                         .master = c->redis_master,
                                         .socket = c->redis_socket,
                                         .host = c->redis_host,
                                         .port = c->redis_port,
                                         .database = c->redis_database,
                                         .user = c->redis_user,
                                         .password = c->redis_password,
                                         .reply_timeout_ms = STORE_REPLY_TIME_MS };
}
