// console MODE PORT [ARGUMENT]: dials, each dial being a span that the exporter console writes to descriptor 2, while something is the
// matter with that descriptor. Status 0: nothing of it was noticed; else the number of what was.
//   replaced FILE   dials; puts FILE into the place of descriptor 2; dials again
//   closed          dials; closes descriptor 2; dials again
//   broken          nobody reads: dials twice, and looks for signals that were not there before
//   pending         the same, with SIGPIPE blocked and pending before
//   cut             dials with a limit of 100 bytes on the size of files, and again without
//   interrupted     is disturbed by a timer all the time
//   threads N       dials, and then eight threads N times each
//   fork            dials, and so does a child
#include "dial.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

static int port, times;

static int replaced(const char *file) {
    if (dial(port)) return 10;
    close(2);
    if (open(file, O_RDWR | O_CREAT, 0600) != 2) return 11;
    return dial(port) ? 12 : 0;
}

static int closed(void) {
    if (dial(port)) return 10;
    close(2);
    return dial(port) ? 12 : 0;
}

/// A dial that leaves errno, the mask and what is pending as they were.
static int unnoticed(void) {
    sigset_t mask_before, mask_after, pending_before, pending_after;
    sigprocmask(SIG_BLOCK, NULL, &mask_before);
    sigpending(&pending_before);
    // The table of the hooks restores errno around every call; a successful dial must not have changed it.
    errno = 77;
    int error = dial(port);
    int left = errno;
    sigprocmask(SIG_BLOCK, NULL, &mask_after);
    sigpending(&pending_after);
    if (error) return 20;
    if (left != 77) return 21;
    for (int number = 1; number < 32; number++) {
        if (sigismember(&mask_before, number) != sigismember(&mask_after, number)) return 22;
        if (sigismember(&pending_before, number) != sigismember(&pending_after, number)) return 23;
    }
    return 0;
}

static int twice(void) {
    int result = unnoticed();
    return result ? result : unnoticed();
}

static int pending(void) {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigprocmask(SIG_BLOCK, &pipe, NULL);
    raise(SIGPIPE);
    int result = twice();
    if (result) return result;
    struct timespec none = {0, 0};
    return sigtimedwait(&pipe, NULL, &none) == SIGPIPE ? 0 : 24;
}

static int cut(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    struct rlimit narrow = {100, limit.rlim_max};
    if (setrlimit(RLIMIT_FSIZE, &narrow)) return 10;
    int result = twice();
    if (setrlimit(RLIMIT_FSIZE, &limit)) return 11;
    return result ? result : unnoticed();
}

static void disturb(int number) { (void)number; }

static int interrupted(void) {
    struct sigaction action = {.sa_handler = disturb};
    struct itimerval often = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    // connect may be interrupted too: whatever it says.
    dial(port);
    dial(port);
    setitimer(ITIMER_REAL, &never, NULL);
    return 0;
}

static void *dial_often(void *result) {
    for (int i = 0; i < times; i++)
        if (dial(port)) *(int *)result = 30;
    return NULL;
}

static int threads(void) {
    pthread_t thread[8];
    int result[8] = {0}, sum = 0;
    // The first span makes the region; those of others that begin meanwhile are counted and not recorded.
    if (dial(port)) return 10;
    for (int i = 0; i < 8; i++)
        if (pthread_create(&thread[i], NULL, dial_often, &result[i])) return 31;
    for (int i = 0; i < 8; i++) {
        pthread_join(thread[i], NULL);
        sum |= result[i];
    }
    return sum;
}

static int forked(void) {
    if (dial(port)) return 10;
    pid_t child = fork();
    if (child == 0) _exit(dial(port) ? 12 : 0);
    int status = 0;
    if (waitpid(child, &status, 0) != child || status) return 40;
    printf("%d %d\n", getpid(), child);
    return dial(port) ? 13 : 0;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    const char *mode = argv[1];
    port = atoi(argv[2]);
    times = argc > 3 ? atoi(argv[3]) : 0;
    if (!strcmp(mode, "replaced") && argc > 3) return replaced(argv[3]);
    if (!strcmp(mode, "closed")) return closed();
    if (!strcmp(mode, "broken")) return twice();
    if (!strcmp(mode, "pending")) return pending();
    if (!strcmp(mode, "cut")) return cut();
    if (!strcmp(mode, "interrupted")) return interrupted();
    if (!strcmp(mode, "threads")) return threads();
    if (!strcmp(mode, "fork")) return forked();
    return 2;
}
