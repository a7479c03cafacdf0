// What every hook is made of: table? → enter → real call → errno → exit → errno back.
#pragma once
#include "include/COTelHooks.h"
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/uio.h>

/// Visible to ld.so. Everything else in the object is hidden.
#define OTEL_EXPORT __attribute__((visibility("default"), used, noinline))

/// `other` is another name for the exported function `name`.
#define OTEL_ALIAS(name, other) extern __typeof__(name) other __attribute__((alias(#name), visibility("default"), used))

extern _Atomic(const struct otel_hook_table *) otel_hook_installed;
static inline const struct otel_hook_table *otel_hooks(void) { return __atomic_load_n((const struct otel_hook_table **)&otel_hook_installed, __ATOMIC_ACQUIRE); }

/// One turn in the agent's Swift: marked for fork (hooks_fork.c), and errno as it was.
#define OTEL_AGENT(turn)          \
    do {                          \
        int otel_errno = errno;   \
        otel_agent_enter();       \
        turn;                     \
        otel_agent_leave();       \
        errno = otel_errno;       \
    } while (0)

/// First in the body of a wrapper whose real call may unwind: C++ exceptions out of a callback, pthread_cancel. Our own personality
/// routine clears the call and continues; it has no landing pad, so that neither _Unwind_Resume nor libgcc_s is needed.
#define OTEL_UNWINDABLE __asm__ volatile(".cfi_personality 0x1b, otel_hook_personality")

/// The functions of libc that are wrapped and called: F(member of otel_real, name, type of the result, parameters).
#define OTEL_REAL(F)                                                                            \
    F(connect, "connect", int, (int, const struct sockaddr *, socklen_t))                       \
    F(socket, "socket", int, (int, int, int))                                                   \
    F(getsockopt, "getsockopt", int, (int, int, int, void *, socklen_t *))                      \
    F(getpeername, "getpeername", int, (int, struct sockaddr *, socklen_t *))                   \
    F(close, "close", int, (int))                                                               \
    F(dup2, "dup2", int, (int, int))                                                            \
    F(dup3, "dup3", int, (int, int, int))                                                       \
    F(close_range, "close_range", int, (unsigned, unsigned, int))                               \
    F(closefrom, "closefrom", void, (int))                                                      \
    F(send, "send", ssize_t, (int, const void *, size_t, int))                                  \
    F(sendto, "sendto", ssize_t, (int, const void *, size_t, int, const struct sockaddr *, socklen_t)) \
    F(sendmsg, "sendmsg", ssize_t, (int, const struct msghdr *, int))                           \
    F(recv, "recv", ssize_t, (int, void *, size_t, int))                                        \
    F(recvfrom, "recvfrom", ssize_t, (int, void *, size_t, int, struct sockaddr *, socklen_t *)) \
    F(recvmsg, "recvmsg", ssize_t, (int, struct msghdr *, int))                                 \
    F(read, "read", ssize_t, (int, void *, size_t))                                             \
    F(write, "write", ssize_t, (int, const void *, size_t))                                     \
    F(writev, "writev", ssize_t, (int, const struct iovec *, int))                              \
    F(recv_chk, "__recv_chk", ssize_t, (int, void *, size_t, size_t, int))                      \
    F(recvfrom_chk, "__recvfrom_chk", ssize_t, (int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *)) \
    F(read_chk, "__read_chk", ssize_t, (int, void *, size_t, size_t))                           \
    F(getaddrinfo, "getaddrinfo", int, (const char *, const char *, const struct addrinfo *, struct addrinfo **)) \
    F(gethostbyname, "gethostbyname", struct hostent *, (const char *))                         \
    F(gethostbyname2, "gethostbyname2", struct hostent *, (const char *, int))                  \
    F(gethostbyname_r, "gethostbyname_r", int, (const char *, struct hostent *, char *, size_t, struct hostent **, int *)) \
    F(gethostbyname2_r, "gethostbyname2_r", int, (const char *, int, struct hostent *, char *, size_t, struct hostent **, int *)) \
    F(fork, "fork", int, (void))                                                                \
    F(plain_fork, "_Fork", int, (void))                                                         \
    F(prctl, "prctl", int, (int, unsigned long, unsigned long, unsigned long, unsigned long))   \
    F(syscall, "syscall", long, (long, long, long, long, long, long, long))                     \
    F(dlsym, "dlsym", void *, (void *, const char *))                                           \
    F(dlopen, "dlopen", void *, (const char *, int))

/// The real functions, resolved by the constructor. Until then each points to a stand-in (early.c).
struct otel_real {
#define OTEL_REAL_MEMBER(member, name, result, parameters) result(*member) parameters;
    OTEL_REAL(OTEL_REAL_MEMBER)
#undef OTEL_REAL_MEMBER
};
extern struct otel_real otel_real;
/// Whether the constructor has ended.
extern bool otel_has_started;
