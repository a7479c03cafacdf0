// The first byte that goes through, or does not: for programs that learn by it what became of a connect that they did not wait for.
// Which these are, and which functions they need: DESIGN.md, section 4. Each is a byte test and a jump while no connect is in progress.
#include "hook.h"

/// Returns `result`, with errno as it is.
static __attribute__((noinline)) ssize_t used(int descriptor, ssize_t result) {
    const struct otel_hook_table *table = otel_hooks();
    if (table) OTEL_AGENT(table->socket_used(descriptor, result < 0 ? errno : 0));
    return result;
}

/// Defines `name`: `real` with a look at what came of it. No state is kept during the call: a cancellation may leave it at any point.
#define TRANSFER(result, name, real, parameters, ...)                                                     \
    OTEL_EXPORT result name parameters {                                                                  \
        if (!otel_is_connecting(fd)) __attribute__((musttail)) return otel_real.real(__VA_ARGS__);        \
        return (result)used(fd, otel_real.real(__VA_ARGS__));                                             \
    }

// Under their own names alone: <unistd.h> may have others for them.
ssize_t otel_recv_chk(int, void *, size_t, size_t, int) __asm__("__recv_chk");
ssize_t otel_recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *) __asm__("__recvfrom_chk");
ssize_t otel_read_chk(int, void *, size_t, size_t) __asm__("__read_chk");

TRANSFER(int, getpeername, getpeername, (int fd, struct sockaddr *address, socklen_t *length), fd, address, length)
TRANSFER(ssize_t, send, send, (int fd, const void *data, size_t size, int flags), fd, data, size, flags)
TRANSFER(ssize_t, sendto, sendto, (int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t length), fd, data, size, flags, to, length)
TRANSFER(ssize_t, sendmsg, sendmsg, (int fd, const struct msghdr *message, int flags), fd, message, flags)
TRANSFER(ssize_t, recv, recv, (int fd, void *data, size_t size, int flags), fd, data, size, flags)
TRANSFER(ssize_t, recvfrom, recvfrom, (int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *length), fd, data, size, flags, from, length)
TRANSFER(ssize_t, recvmsg, recvmsg, (int fd, struct msghdr *message, int flags), fd, message, flags)
TRANSFER(ssize_t, read, read, (int fd, void *data, size_t size), fd, data, size)
TRANSFER(ssize_t, write, write, (int fd, const void *data, size_t size), fd, data, size)
TRANSFER(ssize_t, writev, writev, (int fd, const struct iovec *parts, int count), fd, parts, count)
TRANSFER(ssize_t, otel_recv_chk, recv_chk, (int fd, void *data, size_t size, size_t room, int flags), fd, data, size, room, flags)
TRANSFER(ssize_t, otel_recvfrom_chk, recvfrom_chk, (int fd, void *data, size_t size, size_t room, int flags, struct sockaddr *from, socklen_t *length), fd, data, size, room, flags, from, length)
TRANSFER(ssize_t, otel_read_chk, read_chk, (int fd, void *data, size_t size, size_t room), fd, data, size, room)
OTEL_ALIAS(send, __send);
OTEL_ALIAS(read, __read);
OTEL_ALIAS(write, __write);
