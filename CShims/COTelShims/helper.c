#define _GNU_SOURCE
#include "include/otel_helper.h"
#include "include/otel_name_space.h"
#include "include/otel_syscall.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

// Raw clone: glibc's wrapper would do, but a preload may interpose it, and then the copy of this frame would run foreign code.
// The child starts on its own stack and never returns from here.
static long clone_on(char *stack_end, int (*work)(void *), void *argument) {
    long result;
    uintptr_t top = (uintptr_t)stack_end & ~(uintptr_t)15;
#if defined(__x86_64__)
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    __asm__ volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "mov %[argument], %%rdi\n\t"
        "call *%[work]\n\t"
        "mov %%eax, %%edi\n"
        "2:\n\t"
        "mov %[exit_group], %%eax\n\t"
        "syscall\n\t"
        "jmp 2b\n"
        "1:"
        : "=a"(result)
        : "a"((long)SYS_clone), "D"((long)(CLONE_VM | CLONE_VFORK)), "S"(top), "d"(0L), "r"(r10), "r"(r8), [work] "r"(work),
          [argument] "r"(argument), [exit_group] "i"(SYS_exit_group)
        : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_clone;
    register long x0 __asm__("x0") = CLONE_VM | CLONE_VFORK;
    register long x1 __asm__("x1") = (long)top;
    register long x2 __asm__("x2") = 0;
    register long x3 __asm__("x3") = 0;
    register long x4 __asm__("x4") = 0;
    register void *x5 __asm__("x5") = (void *)work;
    register void *x6 __asm__("x6") = argument;
    __asm__ volatile(
        "svc 0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x29, #0\n\t"
        "mov x0, x6\n\t"
        "blr x5\n\t"
        "mov x8, %[exit_group]\n\t"
        "svc 0\n"
        "1:"
        : "+r"(x0)
        : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x6), [exit_group] "i"(SYS_exit_group)
        : "memory", "x30");
    result = x0;
#endif
    return result;
}

static char helper_stack[24 * 1024] __attribute__((aligned(64)));
static char spawn_stack[8 * 1024] __attribute__((aligned(64)));

// The kernel's signal set: 64 bits, whatever sigset_t says.
enum { KERNEL_SIGSET_SIZE = 8 };

uint64_t otel_signals_block(void) {
    // The kernel stores nothing when it refuses.
    uint64_t all = ~0ull, before = OTEL_SIGNALS_UNCHANGED;
    otel_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, KERNEL_SIGSET_SIZE);
    return before;
}

void otel_signals_restore(uint64_t before) {
    // It cannot fail where the first has not.
    if (before != OTEL_SIGNALS_UNCHANGED) otel_system_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, KERNEL_SIGSET_SIZE, 0, 0);
}

/// The first process that is made after unshare(CLONE_NEWPID) is the new name space's init, and with its end no other can be made in it
/// (pid_namespaces(7)): that process has to be the host's own. Nor does a helper belong into one that the host has joined by setns(2).
/// The name space of its children is each thread's own.
static bool children_are_elsewhere(void) {
    uint64_t own = otel_pid_namespace();
    // Without /proc nothing is known, and nothing was unshared as far as most programs go.
    return own != 0 && otel_name_space("/proc/thread-self/ns/pid_for_children") != own;
}

int otel_helper_run(int (*work)(void *), void *argument) {
    if (children_are_elsewhere()) return -ECHILD;
    uint64_t before = otel_signals_block();
    if (before == OTEL_SIGNALS_UNCHANGED) return -EPERM;
    long pid = OTEL_FAULT_OR("helper is made", clone_on(helper_stack + sizeof helper_stack, work, argument));
    int status = 0;
    long waited = pid;
    if (pid > 0) {
        do waited = otel_syscall4(SYS_wait4, pid, &status, 0x80000000L /* __WCLONE */, NULL);
        while (waited == -EINTR);
    }
    otel_signals_restore(before);
    if (pid < 0) return (int)pid;
    // Somebody else's wait for "all" children took it: it has ended all the same, but how is not known.
    if (waited < 0) return -1;
    return (status & 0x7f) == 0 ? (status >> 8) & 0xff : -1;
}

struct spawn {
    const char *executable;
    char *const *arguments;
    char *const *variables;
    int first, second;
    long error;
};

// In a process of its own (the descriptors are a copy), but still in the host's memory.
static int spawn_work(void *argument) {
    struct spawn *spawn = argument;
    otel_syscall0(SYS_setsid);
    // Above 4 first: either of the two may be in the other's place.
    long first = otel_syscall3(SYS_fcntl, spawn->first, F_DUPFD, 10);
    long second = spawn->second < 0 ? -1 : otel_syscall3(SYS_fcntl, spawn->second, F_DUPFD, 10);
    spawn->error = otel_syscall3(SYS_dup3, first, 3, 0);
    if (spawn->error >= 0 && second >= 0) spawn->error = otel_syscall3(SYS_dup3, second, 4, 0);
    // The host's descriptors are not held a moment longer than needed: a pipe's reader waits for its last writer. The relay closes what
    // is left where close_range (Linux 5.9) is missing.
    otel_syscall3(SYS_close_range, second >= 0 ? 5 : 4, ~0u, 0);
    long nothing = otel_syscall4(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
    // Without /dev a socket that leads nowhere: what is read or written there fails.
    if (nothing < 0) nothing = otel_syscall3(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int standard = 0; nothing > 2 && standard <= 2; standard++) otel_syscall3(SYS_dup3, nothing, standard, 0);
    // What is executed gets no rights that its starter has not: root without capabilities would have them all back.
    otel_syscall5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (spawn->error >= 0) spawn->error = otel_syscall3(SYS_execve, spawn->executable, spawn->arguments, spawn->variables);
    return 127;
}

int otel_helper_spawn(const char *executable, char *const *arguments, char *const *variables, int first, int second) {
    struct spawn spawn = {executable, arguments, variables, first, second, 0};
    long pid = OTEL_FAULT_OR("relay's process is made", clone_on(spawn_stack + sizeof spawn_stack, spawn_work, &spawn));
    if (pid < 0) return (int)pid;
    return spawn.error < 0 ? (int)spawn.error : 0;
}
