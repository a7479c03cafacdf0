#include "hook.h"
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

// A program that locks itself up says by which system calls it may be killed. Ours are not on its list, so from then on there are
// none: prctl(2) and seccomp(2) are watched, and tail-jumped to, so that the real function sees its caller's frame (syscall(2) may
// vfork).

static void host_filters_itself(void) { __atomic_store_n(&otel_host_is_filtered, true, __ATOMIC_RELAXED); }

// Declared variadic, defined with all arguments: the same registers in the System V and the AArch64 procedure call standards.
OTEL_EXPORT int otel_hook_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) __asm__("prctl");
int otel_hook_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    if (option == PR_SET_SECCOMP) host_filters_itself();
    __attribute__((musttail)) return otel_real.prctl(option, a, b, c, d);
}

OTEL_EXPORT long otel_hook_syscall(long number, long a, long b, long c, long d, long e, long f) __asm__("syscall");
long otel_hook_syscall(long number, long a, long b, long c, long d, long e, long f) {
    if (number == SYS_seccomp && (a == SECCOMP_SET_MODE_STRICT || a == SECCOMP_SET_MODE_FILTER)) host_filters_itself();
    if (number == SYS_prctl && a == PR_SET_SECCOMP) host_filters_itself();
    __attribute__((musttail)) return otel_real.syscall(number, a, b, c, d, e, f);
}
