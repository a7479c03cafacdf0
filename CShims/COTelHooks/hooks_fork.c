#include "hook.h"
#include <unistd.h>

// A signal handler may interrupt the agent anywhere, fork, and return in the child too: into code that is about to write to a region, which
// a child does not have (MADV_DONTFORK). There the child gets memory to write into, of which nobody will ever hear. Every other
// fork is the real one, jumped to; nothing is prepared for it and nothing cleaned up behind it.
//
// Not for fork(2) by its number: that is jumped to whatever happens (hooks_process.c).

static __attribute__((noinline)) int fork_inside(const struct otel_hook_table *table, int (*real)(void)) {
    void *current = NULL, *retiring = NULL;
    size_t size = table->regions(&current, &retiring);
    int child = real();
    if (child == 0 && !otel_host_filtered()) {
        if (current) otel_region_stand_in(current, size);
        if (retiring) otel_region_stand_in(retiring, size);
    }
    return child;
}

OTEL_EXPORT pid_t fork(void) {
    const struct otel_hook_table *table = otel_hooks();
    if (table && otel_thread_self()->inside) return fork_inside(table, otel_real.fork);
    __attribute__((musttail)) return otel_real.fork();
}
OTEL_ALIAS(fork, __fork);

/// The one that POSIX permits in a signal handler.
OTEL_EXPORT pid_t otel_hook_plain_fork(void) __asm__("_Fork");
pid_t otel_hook_plain_fork(void) {
    const struct otel_hook_table *table = otel_hooks();
    if (table && otel_thread_self()->inside) return fork_inside(table, otel_real.plain_fork);
    __attribute__((musttail)) return otel_real.plain_fork();
}
