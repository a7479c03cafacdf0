#include "hook.h"

/// A frame of its own: unwinding it gives up the call that was entered, and one that was not entered must give up none.
static __attribute__((noinline)) int traced_connect(
    const struct otel_hook_table *table, struct otel_call *call, int descriptor, const struct sockaddr *address, socklen_t length) {
    OTEL_UNWINDABLE;
    int result = otel_real.connect(descriptor, address, length);
    OTEL_AGENT(table->connect_exit(call, descriptor, address, length, result, errno));
    return result;
}

static __attribute__((noinline)) int watched_connect(
    const struct otel_hook_table *table, int descriptor, const struct sockaddr *address, socklen_t length) {
    struct otel_call call;
    call.state = 0;
    bool was_connecting = otel_is_connecting(descriptor);
    OTEL_AGENT(table->connect_enter(&call, descriptor));
    if (call.state) return traced_connect(table, &call, descriptor, address, length);
    int result = otel_real.connect(descriptor, address, length);
    if (was_connecting) {
        OTEL_AGENT(table->connect_exit(&call, descriptor, address, length, result, errno));
    }
    return result;
}

/// Most calls are of no interest; they pass without a frame. The address is not looked at: it may be none, which is the kernel's to say.
OTEL_EXPORT int connect(int descriptor, const struct sockaddr *address, socklen_t length) {
    const struct otel_hook_table *table = otel_hooks();
    if (!table || (unsigned)descriptor >= OTEL_SOCKET_HINTS || !(*otel_socket_hint(descriptor) & OTEL_SOCKET_TCP))
        __attribute__((musttail)) return otel_real.connect(descriptor, address, length);
    return watched_connect(table, descriptor, address, length);
}
OTEL_ALIAS(connect, __connect);

OTEL_EXPORT int socket(int domain, int type, int protocol) {
    int descriptor = otel_real.socket(domain, type, protocol);
    const struct otel_hook_table *table = otel_hooks();
    if (descriptor < 0 || !table) return descriptor;
    // Only a connect that is given up touches a region.
    if (otel_is_connecting(descriptor)) {
        OTEL_AGENT(table->socket_opened(descriptor, domain, type, protocol));
    } else {
        table->socket_opened(descriptor, domain, type, protocol);
    }
    return descriptor;
}

/// What it reads is read after the kernel has written it: both pointers are good then.
static __attribute__((noinline)) int read_error(int descriptor, void *value, socklen_t *length) {
    int result = otel_real.getsockopt(descriptor, SOL_SOCKET, SO_ERROR, value, length);
    const struct otel_hook_table *table = otel_hooks();
    if (result == 0 && *length == sizeof(int) && table) {
        int error;
        memcpy(&error, value, sizeof error);
        OTEL_AGENT(table->socket_error_read(descriptor, error));
    }
    return result;
}

OTEL_EXPORT int getsockopt(int descriptor, int level, int name, void *restrict value, socklen_t *restrict length) {
    if (level != SOL_SOCKET || name != SO_ERROR || !otel_is_connecting(descriptor))
        __attribute__((musttail)) return otel_real.getsockopt(descriptor, level, name, value, length);
    return read_error(descriptor, value, length);
}
