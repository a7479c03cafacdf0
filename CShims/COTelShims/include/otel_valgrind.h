// A word to valgrind and its tools for threads, which know of locks and not of hints.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// A client request (valgrind manual, "The Client Request mechanism"): instructions without effect, but in valgrind; 0 elsewhere.
static inline uint64_t otel_valgrind_request(uint64_t request, const void *_Nullable start, size_t size) {
    uint64_t answer = 0;
#if defined(__x86_64__)
    volatile uint64_t arguments[6] = {request, (uintptr_t)start, size};
    __asm__ volatile("rolq $3, %%rdi\n rolq $13, %%rdi\n rolq $61, %%rdi\n rolq $51, %%rdi\n xchgq %%rbx, %%rbx"
                     : "+d"(answer)
                     : "a"(&arguments[0])
                     : "cc", "memory");
#endif
    return answer;
}

static inline bool otel_runs_in_valgrind(void) {
    enum { RUNNING_ON_VALGRIND = 0x1001 };
    return otel_valgrind_request(RUNNING_ON_VALGRIND, NULL, 0) != 0;
}

/// Asks helgrind and drd not to look for races in `size` bytes at `start`: what is there is one byte for each descriptor, and a program that
/// hands a descriptor to another thread has seen to the order itself, or closed and opened it, which neither tool takes for an order.
/// Once per process.
static inline void otel_valgrind_ignore_races(const void *start, size_t size) {
    enum { HELGRIND_UNTRACKED = ('H' << 24 | 'G' << 16) + 256 + 39, DRD_SUPPRESSION = ('D' << 24 | 'R' << 16) + 2 };
    otel_valgrind_request(HELGRIND_UNTRACKED, start, size);
    otel_valgrind_request(DRD_SUPPRESSION, start, size);
}

#pragma clang assume_nonnull end
