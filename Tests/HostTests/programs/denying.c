// denying ACTION CALL[,CALL...] PROGRAM [ARGUMENT...]: executes PROGRAM under a filter in which the named system calls come to ACTION
// (errno: EPERM; process: SIGSYS) and all others are allowed. As a service manager or a container does. "mprotect-code" and "mmap-code"
// mean memory that may be written and executed, and memory that comes to be executed, as MemoryDenyWriteExecute= does.
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    unsigned action = strcmp(argv[1], "errno") ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM);
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
    for (char *name = strtok(argv[2], ","); name; name = strtok(NULL, ",")) {
        int result;
        if (!strcmp(name, "mprotect-code"))
            result = seccomp_rule_add(context, action, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
        else if (!strcmp(name, "mmap-code"))
            result = seccomp_rule_add(context, action, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC | PROT_WRITE));
        else
            result = seccomp_rule_add(context, action, seccomp_syscall_resolve_name(name), 0);
        if (result) return fprintf(stderr, "%s: %s\n", name, strerror(-result)), 3;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || seccomp_load(context)) return 4;
    execvp(argv[3], argv + 3);
    return 5;
}
