#include "hook.h"
#include <unistd.h>

// A child of vfork(2) closes what its parent has open, and runs our hooks in its parent's memory while doing so: what it does must not
// end the parent's spans. Nothing but the way it began tells the two apart without a system call.

void *otel_real_vfork __attribute__((visibility("hidden")));

/// Visible to the assembler alone.
__attribute__((visibility("hidden"), used)) pid_t otel_vfork_failed(int error) {
    errno = error;
    return -1;
}

/// Marks the thread, which the child shares, until the parent goes on. It returns twice, and what lies above the return address is
/// the child's to overwrite before it is the parent's again: so no wrapper in C can be around the real function, which is the same five
/// instructions. What the parent has to find again is in registers that the kernel keeps.
__attribute__((naked)) OTEL_EXPORT pid_t vfork(void) {
#if defined(__x86_64__)
    __asm__("endbr64\n\t"
            "movq otel_real_vfork(%rip), %rax\n\t"
            "testq %rax, %rax\n\t"
            "jnz 2f\n\t"
            "movq otel_thread_state@gottpoff(%rip), %rdx\n\t"
            "movzwl %fs:30(%rdx), %esi\n\t"
            "movw $1, %fs:30(%rdx)\n\t"
            "popq %rdi\n\t"
            ".cfi_adjust_cfa_offset -8\n\t"
            ".cfi_register %rip, %rdi\n\t"
            "movl $58, %eax\n\t" // SYS_vfork
            "syscall\n\t"
            "pushq %rdi\n\t"
            ".cfi_adjust_cfa_offset 8\n\t"
            ".cfi_rel_offset %rip, 0\n\t"
            "testl %eax, %eax\n\t"
            "jz 1f\n\t"
            "movw %si, %fs:30(%rdx)\n\t"
            "js 3f\n"
            "1:\tret\n"
            "2:\tjmp *%rax\n"
            "3:\tnegl %eax\n\t"
            "movl %eax, %edi\n\t"
            "jmp otel_vfork_failed\n\t");
#else
#error "vfork is written for x86-64"
#endif
}
OTEL_ALIAS(vfork, __vfork);
