// seccomp WHEN PORT COUNT: installs a filter that kills the process at what only an agent's helper would do (memfd_create, sendmsg,
// ftruncate, a socket of the unix family, a new process), and dials COUNT times:
//   first   the filter comes before the first record
//   after   after it: COUNT dials before, and COUNT dials after
//   exec    as first, and the dialling is done by another image: this program again, as "plain". New processes are allowed: the image
//           cannot know of the filter, which may as well be a container's, so a helper is made; the filter then kills that.
//   plain   no filter
#include "dial.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define KILL_ON(number) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

enum { NEVER = 0xffff };  // no system call's number

static int install(int allows_processes) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        KILL_ON(SYS_memfd_create),
        KILL_ON(SYS_sendmsg),
        KILL_ON(SYS_ftruncate),
        KILL_ON(allows_processes ? NEVER : SYS_clone),
        KILL_ON(allows_processes ? NEVER : SYS_clone3),
        // socket(AF_UNIX, …)
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int dial_times(int port, int count) {
    for (int i = 0; i < count; i++)
        if (dial(port)) return 1;
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    const char *when = argv[1];
    int port = atoi(argv[2]), count = atoi(argv[3]);
    if (!strcmp(when, "after") && dial_times(port, count)) return 3;
    if (strcmp(when, "plain") && install(!strcmp(when, "exec"))) return 4;
    if (!strcmp(when, "exec")) {
        execl("/proc/self/exe", argv[0], "plain", argv[2], argv[3], (char *)NULL);
        return 5;
    }
    if (dial_times(port, count)) return 6;
    puts("unharmed");
    return 0;
}
