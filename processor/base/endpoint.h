/* A host and a port.
 *
 * Layer: base.
 */
#ifndef BASE_ENDPOINT_H
#define BASE_ENDPOINT_H
#include "processor/base/text.h"

#include <stdint.h>

struct endpoint {
    struct text host; /* a name or an address, IPv6 without brackets */
    int32_t port;
};

#endif /* BASE_ENDPOINT_H */
