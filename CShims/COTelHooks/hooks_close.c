// A descriptor that is closed while its connect is in progress: the program gave it up.
#include "hook.h"
#include <linux/close_range.h>
#include <unistd.h>

static __attribute__((noinline)) void closed(unsigned first, unsigned last) {
    const struct otel_hook_table *table = otel_hooks();
    if (table) OTEL_AGENT(table->descriptors_closed(first, last));
}

/// Told before, since another thread may have the number a moment later. It fails for what is not open only: then nobody waits for it.
static __attribute__((noinline)) int close_connecting(int descriptor) {
    closed((unsigned)descriptor, (unsigned)descriptor);
    __attribute__((musttail)) return otel_real.close(descriptor);
}
OTEL_EXPORT int close(int descriptor) {
    if (otel_is_connecting(descriptor)) __attribute__((musttail)) return close_connecting(descriptor);
    __attribute__((musttail)) return otel_real.close(descriptor);
}
OTEL_ALIAS(close, __close);

// These may refuse, and tell afterwards.
static __attribute__((noinline)) int replaced(int from, int to, int result) {
    if (result >= 0 && from != to) closed((unsigned)to, (unsigned)to);
    return result;
}
OTEL_EXPORT int dup2(int from, int to) {
    if (!otel_is_connecting(to)) __attribute__((musttail)) return otel_real.dup2(from, to);
    return replaced(from, to, otel_real.dup2(from, to));
}
OTEL_ALIAS(dup2, __dup2);
OTEL_EXPORT int dup3(int from, int to, int flags) {
    if (!otel_is_connecting(to)) __attribute__((musttail)) return otel_real.dup3(from, to, flags);
    return replaced(from, to, otel_real.dup3(from, to, flags));
}

OTEL_EXPORT int close_range(unsigned first, unsigned last, int flags) {
    if (!otel_connects_were_used() || (flags & CLOSE_RANGE_CLOEXEC)) __attribute__((musttail)) return otel_real.close_range(first, last, flags);
    int result = otel_real.close_range(first, last, flags);
    if (result == 0) closed(first, last);
    return result;
}
OTEL_EXPORT void closefrom(int first) {
    if (otel_connects_were_used()) closed(first < 0 ? 0 : (unsigned)first, ~0u);
    __attribute__((musttail)) return otel_real.closefrom(first);
}
