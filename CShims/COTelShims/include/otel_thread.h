// The agent's whole thread-local state, and the clocks.
#pragma once
#include "otel_fault.h"
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#pragma clang assume_nonnull begin

enum { OTEL_CALLS_NESTED_MAX = 4 };

/// At most 64 bytes, initial-exec: it comes out of the surplus that ld.so leaves in every thread's block, and out of the stack of
/// threads that have 16 KiB of it.
struct otel_thread {
    uint64_t generation;         ///< of the process state that seeded this thread; another value means "seed again"
    uint64_t random_counter, random_key; ///< RandomSource's
    uint16_t depth;              ///< valid entries of `calls`
    uint16_t inside;             ///< otel_agent_enter: above 0 while the thread runs code of the agent that may touch a region
    uint16_t slot_hint;
    uint16_t is_vforked;         ///< this is a child of vfork(2), in its parent's memory and with its parent's thread
    /// Calls in progress, outermost first: the address of each call's scratch on the stack, and in the upper 16 bits its slot + 1.
    uint64_t calls[OTEL_CALLS_NESTED_MAX];
};
_Static_assert(__builtin_offsetof(struct otel_thread, is_vforked) == 30, "hooks_vfork.c writes it by its offset");
_Static_assert(sizeof(struct otel_thread) <= 64, "thread-local state grew past one cache line");

extern __thread struct otel_thread otel_thread_state __attribute__((tls_model("initial-exec"), visibility("hidden")));

/// The calling thread's state. Async-signal-safe. Not to be kept over a call into the host: a coroutine may resume on another thread.
static inline struct otel_thread *otel_thread_self(void) { return &otel_thread_state; }

/// Around all that may touch a region. A signal handler that interrupts it may fork, and its child may return into it: without the memory
/// that it was about to write to (hooks_fork.c). A longjmp out of it leaves the mark raised, which costs forks a mapping.
static inline void otel_agent_enter(void) {
    otel_thread_state.inside++;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
static inline void otel_agent_leave(void) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    otel_thread_state.inside--;
}

/// Adds `step` to the thread's random counter and returns its old value. In one instruction: a signal handler that interrupts it, and
/// draws ids itself, sees the counter before or after, and never draws the same.
static inline uint64_t otel_thread_advance(struct otel_thread *thread, uint64_t step) {
#if defined(__x86_64__)
    __asm__ volatile("xaddq %0, %1" : "+r"(step), "+m"(thread->random_counter));
    return step;
#else
    return __atomic_fetch_add(&thread->random_counter, step, __ATOMIC_RELAXED);
#endif
}

/// Returns what `otel_cancellation_restore` is to be given, which may not return. No system call, no lock.
static inline int otel_cancellation_disable(void) {
    int before = PTHREAD_CANCEL_ENABLE;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}
static inline void otel_cancellation_restore(int before) { pthread_setcancelstate(before, NULL); }

/// `clock` in nanoseconds. Through the vDSO; clock_gettime(2) cannot fail for the clocks used here, unless it is a filtered system call: then 0. async-signal-safe.
static inline uint64_t otel_nanoseconds(clockid_t clock) {
    struct timespec now = {0, 0};
    if (!OTEL_FAULT("clock is read")) clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
static inline uint64_t otel_monotonic(void) { return otel_nanoseconds(CLOCK_MONOTONIC); }
static inline uint64_t otel_realtime(void) { return otel_nanoseconds(CLOCK_REALTIME); }

#pragma clang assume_nonnull end
