// foreign PORT: what the agent interposes, called in a program of a libc that is not glibc.
#include "dial.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void *dial_here(void *port) { return (void *)(long)dial(atoi(port)); }

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    char name[16] = {0};
    pthread_t thread;
    void *error = NULL;
    if (dial(atoi(argv[1]))) return 3;
    if (pthread_create(&thread, NULL, dial_here, argv[1]) || pthread_join(thread, &error) || error) return 4;
    if (prctl(PR_GET_NAME, name, 0, 0, 0) || syscall(SYS_getpid) != getpid()) return 5;
    pid_t pid = fork();
    if (pid == 0) exit(dial(atoi(argv[1])) ? 6 : 7);
    int status;
    if (waitpid(pid, &status, 0) != pid) return 8;
    printf("%s %d %d\n", name, WEXITSTATUS(status), dlsym(RTLD_DEFAULT, "no such function") == NULL);
    return 9;
}
