// What every hook is made of: table? → enter → real call → errno → exit → errno back.
#pragma once
#include "include/COTelHooks.h"
#include <errno.h>

/// Visible to ld.so. Everything else in the object is hidden.
#define OTEL_EXPORT __attribute__((visibility("default"), used, noinline))

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

/// The real functions, resolved by the constructor. Until then each points to a stand-in that makes the system call itself, or, for
/// dlsym, looks for the real one.
struct otel_real {
    int (*connect)(int, const struct sockaddr *, socklen_t);
    int (*socket)(int, int, int);
    int (*prctl)(int, unsigned long, unsigned long, unsigned long, unsigned long);
    long (*syscall)(long, long, long, long, long, long, long);
    void *(*dlsym)(void *, const char *);
    int (*fork)(void), (*plain_fork)(void);
};
extern struct otel_real otel_real;
