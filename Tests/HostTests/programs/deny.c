// A preloaded object that makes the kernel refuse one system call to the agent, and to nobody else: DENY=NUMBER:ERRNO. The filter looks
// at the address that the call comes from. It is installed by a bare system call, before the agent's constructor, as a container's
// filter would be.
#define _GNU_SOURCE
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t start, end;

static int find(struct dl_phdr_info *object, size_t size, void *unused) {
    (void)size, (void)unused;
    if (!strstr(object->dlpi_name, "/libotelagent.so")) return 0;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type != PT_LOAD || !(object->dlpi_phdr[i].p_flags & PF_X)) continue;
        start = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
        end = start + object->dlpi_phdr[i].p_memsz;
    }
    return 1;
}

// Not the C library's: the agent looks at prctl.
static long call(long number, long a, long b, long c) {
    long result;
    register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 0;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
    return result;
}

__attribute__((constructor)) static void deny(int count, char **arguments, char **environment) {
    (void)count;
    const char *text = getenv("DENY");
    if (!text || !strchr(text, ':')) return;
    dl_iterate_phdr(find, NULL);
    if (!start) return;
    // The filter compares halves. Another layout, when the code lies over 4 GiB's border.
    if (start >> 32 != end >> 32) execve("/proc/self/exe", arguments, environment);
    uint32_t number = (uint32_t)atoi(text), error = (uint32_t)atoi(strchr(text, ':') + 1);
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 6),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(start >> 32), 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)start, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)end, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error & SECCOMP_RET_DATA)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};
    call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0);
    if (call(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, (long)&filter) != 0) _exit(99);
}
