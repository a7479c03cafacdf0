// System calls without libc: no errno, no cancellation point, no interposed function (ours or another preload's) in between.
// Used by the helper, which shares its host's memory and so must not touch the host's thread-local state.
#pragma once
#include <stdint.h>
#include <sys/syscall.h>

#pragma clang assume_nonnull begin

/// Makes system call `number`. Returns what the kernel returns: a negative value is `-errno`. Any thread; async-signal-safe.
static inline long otel_syscall6(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#else
#error "system calls are known for x86-64 and AArch64"
#endif
}

#define OTEL_SYSCALL_ARGUMENT_(x) (long)(x)
#define otel_syscall0(n) otel_syscall6(n, 0, 0, 0, 0, 0, 0)
#define otel_syscall1(n, a) otel_syscall6(n, OTEL_SYSCALL_ARGUMENT_(a), 0, 0, 0, 0, 0)
#define otel_syscall2(n, a, b) otel_syscall6(n, OTEL_SYSCALL_ARGUMENT_(a), OTEL_SYSCALL_ARGUMENT_(b), 0, 0, 0, 0)
#define otel_syscall3(n, a, b, c) otel_syscall6(n, OTEL_SYSCALL_ARGUMENT_(a), OTEL_SYSCALL_ARGUMENT_(b), OTEL_SYSCALL_ARGUMENT_(c), 0, 0, 0)
#define otel_syscall4(n, a, b, c, d) \
    otel_syscall6(n, OTEL_SYSCALL_ARGUMENT_(a), OTEL_SYSCALL_ARGUMENT_(b), OTEL_SYSCALL_ARGUMENT_(c), OTEL_SYSCALL_ARGUMENT_(d), 0, 0)
#define otel_syscall5(n, a, b, c, d, e) \
    otel_syscall6(n, OTEL_SYSCALL_ARGUMENT_(a), OTEL_SYSCALL_ARGUMENT_(b), OTEL_SYSCALL_ARGUMENT_(c), OTEL_SYSCALL_ARGUMENT_(d), OTEL_SYSCALL_ARGUMENT_(e), 0)

#pragma clang assume_nonnull end
