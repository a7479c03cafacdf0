#include "include/otel_stack.h"

ptrdiff_t otel_stack_size_offset;

// For the first thread glibc notes the address where the stack began as its size, and 0 as its start, so that its own unwinding and
// longjmp may take it for any other thread's (nptl-init.c up to 2.33, dl_tls_init_tp.c since). That pair of words tells where they are.
void otel_stack_find(char **arguments) {
#if defined(__x86_64__)
    enum { FIRST = 64, END = 2048 }; // within struct pthread, which has been 2,304 bytes since 2.17
    uintptr_t began = (uintptr_t)(arguments - 1); // argc is the first word
    for (ptrdiff_t offset = FIRST; offset < END; offset += (ptrdiff_t)sizeof(uintptr_t)) {
        const uintptr_t *words = (const uintptr_t *)(otel_thread_pointer() + (uintptr_t)offset);
        if (words[0] != began || words[-1] != 0) continue;
        otel_stack_size_offset = offset;
        return;
    }
#endif
}
