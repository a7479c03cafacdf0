// waiter PORT: records, which may start a relay, and then asks for any child: there must be none. Exits 0 when wait(-1) says ECHILD
// and no SIGCHLD came.
#include "dial.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static volatile sig_atomic_t signals;
static void count(int number) {
    (void)number;
    signals++;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    signal(SIGCHLD, count);
    if (dial(atoi(argv[1]))) return 3;
    for (int i = 0; i < 20; i++) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);
        if (pid != -1 || errno != ECHILD) return fprintf(stderr, "waitpid returned %d\n", pid), 4;
        usleep(10000);
    }
    if (signals) return 5;
    puts("no child");
    return 0;
}
