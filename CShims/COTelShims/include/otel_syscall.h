// System calls without libc: no errno, no cancellation point, no interposed function (ours or another preload's) in between.
// Used by the helper, which shares its host's memory and so must not touch the host's thread-local state.
#pragma once
#include "otel_fault.h"
#include <stdint.h>
#include <sys/syscall.h>

#pragma clang assume_nonnull begin

/// Makes system call `number`. Returns what the kernel returns: a negative value is `-errno`. Any thread; async-signal-safe.
static inline long otel_system_call(long number, long a, long b, long c, long d, long e, long f) {
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

/// The same, for Swift.
static inline long otel_syscall6(long number, long a, long b, long c, long d, long e, long f) {
    return otel_system_call(number, a, b, c, d, e, f);
}

// For C: arguments of any type, and each use a step that can fail (otel_fault.h), named by its file, line and call. A call of the
// program's own, and one that cannot fail, is made by otel_system_call.
#define OTEL_DIGITS_(x) #x
#define OTEL_DIGITS(x) OTEL_DIGITS_(x)
#define OTEL_STEP_(name, n, a, b, c, d, e, f)                                \
    OTEL_FAULT_OR(__FILE_NAME__ ":" OTEL_DIGITS(__LINE__) " " name,          \
                  otel_system_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)))
#define otel_syscall0(n) OTEL_STEP_(#n, n, 0, 0, 0, 0, 0, 0)
#define otel_syscall1(n, a) OTEL_STEP_(#n, n, a, 0, 0, 0, 0, 0)
#define otel_syscall2(n, a, b) OTEL_STEP_(#n, n, a, b, 0, 0, 0, 0)
#define otel_syscall3(n, a, b, c) OTEL_STEP_(#n, n, a, b, c, 0, 0, 0)
#define otel_syscall4(n, a, b, c, d) OTEL_STEP_(#n, n, a, b, c, d, 0, 0)
#define otel_syscall5(n, a, b, c, d, e) OTEL_STEP_(#n, n, a, b, c, d, e, 0)
#define otel_syscall6(n, a, b, c, d, e, f) OTEL_STEP_(#n, n, a, b, c, d, e, f)

#pragma clang assume_nonnull end
