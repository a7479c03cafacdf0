#include "hook.h"

OTEL_EXPORT int connect(int descriptor, const struct sockaddr *address, socklen_t length) {
    OTEL_UNWINDABLE;
    const struct otel_hook_table *table = otel_hooks();
    if (!table) return otel_real.connect(descriptor, address, length);
    struct otel_call call;
    call.state = 0;
    int before = errno;
    table->connect_enter(&call, descriptor);
    errno = before;
    int result = otel_real.connect(descriptor, address, length);
    if (call.state) {
        int after = errno;
        table->connect_exit(&call, address, length, result, after);
        errno = after;
    }
    return result;
}

OTEL_EXPORT int socket(int domain, int type, int protocol) {
    int descriptor = otel_real.socket(domain, type, protocol);
    const struct otel_hook_table *table = otel_hooks();
    if (descriptor >= 0 && table) table->socket_opened(descriptor, domain, type, protocol);
    return descriptor;
}
