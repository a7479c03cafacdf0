// The calling thread's own stack: the one that it was started with. What runs there has its callers above it, and all of that is mapped.
// Neither is known of a coroutine's stack or of a signal handler's.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// [low, high); empty when it is not known.
struct otel_stack {
    uintptr_t low, high;
};

/// In bytes from the thread pointer, where glibc keeps the size of a thread's stack; the word before it is where that begins. 0: not found.
extern __attribute__((visibility("hidden"))) ptrdiff_t otel_stack_size_offset;

/// For the constructor, in the first thread. `arguments`: main's, which lie where the stack began.
void otel_stack_find(char *_Nullable *_Nonnull arguments);

#if defined(__x86_64__)
static inline uintptr_t otel_thread_pointer(void) {
    uintptr_t pointer;
    __asm__("movq %%fs:0, %0" : "=r"(pointer));
    return pointer;
}
#else
static inline uintptr_t otel_thread_pointer(void) { return (uintptr_t)__builtin_thread_pointer(); }
#endif

/// No system call: pthread_getattr_np(3) makes some, and allocates. Async-signal-safe.
static inline struct otel_stack otel_stack_of_thread(void) {
    // The kernel leaves at least 128 MiB below the first thread's stack for it to grow (mmap_base).
    enum { FIRST_THREAD = 64 << 20 };
    if (!otel_stack_size_offset) return (struct otel_stack){0, 0};
    uintptr_t pointer = otel_thread_pointer();
    const uintptr_t *words = (const uintptr_t *)(pointer + (uintptr_t)otel_stack_size_offset);
    uintptr_t start = words[-1], size = words[0];
    if (start == 0) return (struct otel_stack){size - FIRST_THREAD, size};
    // The thread's descriptor is at the upper end of its own stack. If it is not, these words are something else.
    return pointer > start && pointer - start < size ? (struct otel_stack){start, pointer} : (struct otel_stack){0, 0};
}

#pragma clang assume_nonnull end
