#include "hook.h"

static __attribute__((noinline)) int traced_connect(
    const struct otel_hook_table *table, int descriptor, const struct sockaddr *address, socklen_t length) {
    OTEL_UNWINDABLE;
    struct otel_call call;
    call.state = 0;
    OTEL_AGENT(table->connect_enter(&call, descriptor));
    int result = otel_real.connect(descriptor, address, length);
    if (call.state) {
        OTEL_AGENT(table->connect_exit(&call, address, length, result, errno));
    }
    return result;
}

/// Most calls are of no interest; they pass without a frame. The address is not looked at: it may be none, which is the kernel's to say.
OTEL_EXPORT int connect(int descriptor, const struct sockaddr *address, socklen_t length) {
    const struct otel_hook_table *table = otel_hooks();
    if (!table || descriptor < 0 || descriptor >= OTEL_SOCKET_HINTS || *otel_socket_hint(descriptor) != OTEL_SOCKET_TCP)
        return otel_real.connect(descriptor, address, length);
    return traced_connect(table, descriptor, address, length);
}

OTEL_EXPORT int socket(int domain, int type, int protocol) {
    int descriptor = otel_real.socket(domain, type, protocol);
    const struct otel_hook_table *table = otel_hooks();
    if (descriptor >= 0 && table) table->socket_opened(descriptor, domain, type, protocol);
    return descriptor;
}
