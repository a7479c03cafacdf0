// observer PORT: dials, then prints what the agent could have changed in a process: descriptors, threads, signal state, resource
// limits, environment, its own and a child's, and whether anybody's child is there to wait for.
#include "dial.h"
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;
static volatile sig_atomic_t children_ended;
static void count_child(int number) {
    (void)number;
    children_ended++;
}

static void print_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(folder)) continue;
        char link[64], target[PATH_MAX] = {0};
        snprintf(link, sizeof link, "/proc/self/fd/%.20s", entry->d_name);
        if (readlink(link, target, sizeof target - 1) < 0) continue;
        printf("fd %s %s\n", entry->d_name, target);
    }
    closedir(folder);
}

static void print_status(void) {
    FILE *status = fopen("/proc/self/status", "r");
    char line[512];
    while (fgets(line, sizeof line, status)) {
        static const char *const wanted[] = {"Threads", "Sig", "Shd", "NoNewPrivs", "Cap", "Umask", "Seccomp", "FDSize"};
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            // SigQ counts what the user has queued, everywhere.
            if (!strncmp(line, wanted[i], strlen(wanted[i])) && strncmp(line, "SigQ", 4)) fputs(line, stdout);
    }
    fclose(status);
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 0;
    signal(SIGCHLD, count_child);
    errno = 4242;
    int error = dial(port);
    printf("dial %d errno %d\n", error, errno);
    for (int i = 0; i < 100; i++) dial(port);
    print_descriptors();
    print_status();
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        struct rlimit limit;
        getrlimit(resource, &limit);
        printf("limit %d %ld %ld\n", resource, (long)limit.rlim_cur, (long)limit.rlim_max);
    }
    char folder[PATH_MAX];
    printf("cwd %s umask %o pgrp %d session %d\n", getcwd(folder, sizeof folder), umask(022), getpgrp() == getpid(), getsid(0) == getpid());
    for (char **variable = environ; *variable; variable++) puts(*variable);
    int status, waited = wait(&status);
    printf("wait %d %s, SIGCHLD %d\n", waited, strerror(errno), (int)children_ended);
    puts("a child's:");
    fflush(stdout);
    if (system("env; ls /proc/self/fd")) return 1;
    return 7;
}
