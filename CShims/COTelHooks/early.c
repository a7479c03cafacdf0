// Before the constructor has resolved the real functions: another object's constructor may call us first. What is a system call is made
// here, for the caller; the others are looked for.
#include "hook.h"
#include <sys/syscall.h>

// The program's own calls: no steps of ours that a test might make fail.
#define CALL_(n, a, b, c, d, e, f, ...) otel_system_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define CALL(...) CALL_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

static long with_errno(long result) {
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

#define EARLY(name, result, parameters, call) \
    static result early_##name parameters { return (result)with_errno(call); }
EARLY(connect, int, (int fd, const struct sockaddr *address, socklen_t length), CALL(SYS_connect, fd, address, length))
EARLY(socket, int, (int domain, int type, int protocol), CALL(SYS_socket, domain, type, protocol))
EARLY(getsockopt, int, (int fd, int level, int name, void *value, socklen_t *length), CALL(SYS_getsockopt, fd, level, name, value, length))
EARLY(getpeername, int, (int fd, struct sockaddr *address, socklen_t *length), CALL(SYS_getpeername, fd, address, length))
EARLY(close, int, (int fd), CALL(SYS_close, fd))
EARLY(dup2, int, (int from, int to), CALL(SYS_dup2, from, to))
EARLY(dup3, int, (int from, int to, int flags), CALL(SYS_dup3, from, to, flags))
EARLY(close_range, int, (unsigned first, unsigned last, int flags), CALL(SYS_close_range, first, last, flags))
EARLY(sendto, ssize_t, (int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t length),
    CALL(SYS_sendto, fd, (long)data, (long)size, flags, (long)to, length))
EARLY(sendmsg, ssize_t, (int fd, const struct msghdr *message, int flags), CALL(SYS_sendmsg, fd, message, flags))
EARLY(recvfrom, ssize_t, (int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *length),
    CALL(SYS_recvfrom, fd, (long)data, (long)size, flags, (long)from, (long)length))
EARLY(recvmsg, ssize_t, (int fd, struct msghdr *message, int flags), CALL(SYS_recvmsg, fd, message, flags))
EARLY(read, ssize_t, (int fd, void *data, size_t size), CALL(SYS_read, fd, data, size))
EARLY(write, ssize_t, (int fd, const void *data, size_t size), CALL(SYS_write, fd, data, size))
EARLY(writev, ssize_t, (int fd, const struct iovec *parts, int count), CALL(SYS_writev, fd, parts, count))
EARLY(prctl, int, (int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d), CALL(SYS_prctl, option, a, b, c, d))
EARLY(syscall, long, (long number, long a, long b, long c, long d, long e, long f), CALL(number, a, b, c, d, e, f))

static ssize_t early_send(int fd, const void *data, size_t size, int flags) { return early_sendto(fd, data, size, flags, NULL, 0); }
static ssize_t early_recv(int fd, void *data, size_t size, int flags) { return early_recvfrom(fd, data, size, flags, NULL, NULL); }

/// A sanitizer's library calls dlsym before the constructor, or in the middle of it, when little else can be called.
static void *look_for(const char *name) {
    void *found = otel_has_started ? NULL : otel_elf_next_early(name);
    return found ? found : otel_elf_next(name);
}

// Those that do more than a system call. Null: no libc of this process has it, and nobody can have called it.
#define LOOK_FOR(member, name, nothing, ...)                             \
    __typeof__(otel_real.member) real = (__typeof__(real))look_for(name); \
    if (!real) return nothing;                                           \
    __atomic_store_n(&otel_real.member, real, __ATOMIC_RELAXED);         \
    __attribute__((musttail)) return real(__VA_ARGS__)

static void early_closefrom(int first) { LOOK_FOR(closefrom, "closefrom", , first); }
static ssize_t early_recv_chk(int fd, void *data, size_t size, size_t room, int flags) {
    LOOK_FOR(recv_chk, "__recv_chk", -1, fd, data, size, room, flags);
}
static ssize_t early_recvfrom_chk(int fd, void *data, size_t size, size_t room, int flags, struct sockaddr *from, socklen_t *length) {
    LOOK_FOR(recvfrom_chk, "__recvfrom_chk", -1, fd, data, size, room, flags, from, length);
}
static ssize_t early_read_chk(int fd, void *data, size_t size, size_t room) { LOOK_FOR(read_chk, "__read_chk", -1, fd, data, size, room); }
static int early_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    LOOK_FOR(getaddrinfo, "getaddrinfo", EAI_FAIL, node, service, hints, result);
}
static struct hostent *early_gethostbyname(const char *name) { LOOK_FOR(gethostbyname, "gethostbyname", NULL, name); }
static struct hostent *early_gethostbyname2(const char *name, int family) { LOOK_FOR(gethostbyname2, "gethostbyname2", NULL, name, family); }
static int early_gethostbyname_r(const char *name, struct hostent *host, char *buffer, size_t size, struct hostent **result, int *error) {
    LOOK_FOR(gethostbyname_r, "gethostbyname_r", ENOSYS, name, host, buffer, size, result, error);
}
static int early_gethostbyname2_r(const char *name, int family, struct hostent *host, char *buffer, size_t size, struct hostent **result, int *error) {
    LOOK_FOR(gethostbyname2_r, "gethostbyname2_r", ENOSYS, name, family, host, buffer, size, result, error);
}
// Not by the system call: the child's libc has to know that it is one.
static int early_fork(void) { LOOK_FOR(fork, "fork", -1); }
static int early_plain_fork(void) { LOOK_FOR(plain_fork, "_Fork", -1); }
/// Also later, for a glibc before 2.34, whose dlsym is libdl's: that may be loaded at any time.
static void *early_dlsym(void *handle, const char *name) { LOOK_FOR(dlsym, "dlsym", NULL, handle, name); }
static void *early_dlopen(const char *file, int flags) { LOOK_FOR(dlopen, "dlopen", NULL, file, flags); }

struct otel_real otel_real = {
#define STAND_IN(member, name, result, parameters) .member = early_##member,
    OTEL_REAL(STAND_IN)
};
