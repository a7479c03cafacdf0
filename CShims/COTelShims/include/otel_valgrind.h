// A word to valgrind's tools for threads, which know of locks and not of hints.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Asks helgrind and drd not to look for races in `size` bytes at `start`: what is there is one byte for each descriptor, and a program that
/// hands a descriptor to another thread has seen to the order itself, or closed and opened it, which neither tool takes for an order.
///
/// A client request (valgrind manual, "The Client Request mechanism"): instructions without effect, but in valgrind. Once per process.
static inline void otel_valgrind_ignore_races(const void *start, size_t size) {
#if defined(__x86_64__)
    enum { HELGRIND_UNTRACKED = ('H' << 24 | 'G' << 16) + 256 + 39, DRD_SUPPRESSION = ('D' << 24 | 'R' << 16) + 2 };
    static const uint64_t requests[] = {HELGRIND_UNTRACKED, DRD_SUPPRESSION};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        volatile uint64_t arguments[6] = {requests[i], (uintptr_t)start, size};
        uint64_t answer = 0;
        __asm__ volatile("rolq $3, %%rdi\n rolq $13, %%rdi\n rolq $61, %%rdi\n rolq $51, %%rdi\n xchgq %%rbx, %%rbx"
                         : "+d"(answer)
                         : "a"(&arguments[0])
                         : "cc", "memory");
    }
#endif
}

#pragma clang assume_nonnull end
