// signals HERTZ SECONDS CLOSED FILE: sixteen threads connect to the port CLOSED, where nobody listens, while each gets signals whose handler,
// on an alternate stack of 8 KiB, opens a socket, connects and closes; meanwhile others are created and end, and now and then a handler
// forks a child that connects too. Prints what does not depend on time; FILE gets how many connects were refused here and in children.
#define _GNU_SOURCE
#include "dial.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

enum { THREADS = 16, ALTERNATE = 8 << 10, FORKS = 20 };

static int hertz, port, is_ending;
static long refused, otherwise, disturbed, handled, forked, in_children;
#define ADD(what, number) __atomic_add_fetch(&(what), number, __ATOMIC_RELAXED)
#define LOAD(what) __atomic_load_n(&(what), __ATOMIC_RELAXED)

static void connects(void) {
    int error = dial(port);
    if (error == ECONNREFUSED)
        ADD(refused, 1);
    else
        ADD(otherwise, 1);
}

static void handle(int number) {
    (void)number;
    int before = errno;
    connects();
    if (ADD(handled, 1) % 500 == 0 && LOAD(forked) < FORKS && !LOAD(is_ending)) {
        ADD(forked, 1);
        // _Fork(3), of glibc 2.34: fork(3) is not async-signal-safe.
        pid_t child = (pid_t)syscall(SYS_fork);
        if (child == 0) {
            int wrong = dial(port) != ECONNREFUSED;
            _exit(wrong);
        }
        int status;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) ADD(in_children, 1);
    }
    errno = before;
}

static void with_timer(timer_t *timer) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    timer_create(CLOCK_MONOTONIC, &event, timer);
    struct itimerspec every = {{0, 1000000000 / hertz}, {0, 1000000000 / hertz}};
    timer_settime(*timer, 0, &every, NULL);
}

static char *with_alternate_stack(void) {
    char *stack = malloc(ALTERNATE);
    stack_t alternate = {.ss_sp = stack, .ss_size = ALTERNATE};
    sigaltstack(&alternate, NULL);
    return stack;
}
static void without_alternate_stack(char *stack) {
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    free(stack);
}

static void *work(void *unused) {
    char *stack = with_alternate_stack();
    timer_t timer;
    with_timer(&timer);
    while (!LOAD(is_ending)) {
        errno = 4242;
        for (volatile int i = 0; i < 1000; i++) {}
        if (errno != 4242) ADD(disturbed, 1);
        connects();
        struct timespec pause = {0, 5000000};
        nanosleep(&pause, NULL);
    }
    timer_delete(timer);
    without_alternate_stack(stack);
    return unused;
}

/// Lives for one connect. Process-wide SIGPROF strikes it at any moment, also while it begins and ends.
static void *short_lived(void *unused) {
    char *stack = with_alternate_stack();
    connects();
    without_alternate_stack(stack);
    return unused;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    hertz = atoi(argv[1]);
    port = atoi(argv[3]);
    char *stack = with_alternate_stack();
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK | SA_RESTART};
    // A handler that interrupts another one's connect, on the same stack, would be taken for what that connect calls, and make no span.
    sigaddset(&action.sa_mask, SIGRTMIN);
    sigaddset(&action.sa_mask, SIGPROF);
    sigaction(SIGRTMIN, &action, NULL);
    sigaction(SIGPROF, &action, NULL);
    connects();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, NULL)) return 4;
    struct itimerval profiling = {{0, 1000000 / hertz}, {0, 1000000 / hertz}};
    setitimer(ITIMER_PROF, &profiling, NULL);
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += atoi(argv[2]);
    do {
        pthread_t thread;
        if (pthread_create(&thread, NULL, short_lived, NULL)) return 5;
        pthread_join(thread, NULL);
        struct timespec pause = {0, 2000000};
        nanosleep(&pause, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
    __atomic_store_n(&is_ending, 1, __ATOMIC_RELAXED);
    memset(&profiling, 0, sizeof profiling);
    setitimer(ITIMER_PROF, &profiling, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    without_alternate_stack(stack);
    FILE *file = fopen(argv[4], "w");
    fprintf(file, "%ld %ld\n", refused, in_children);
    fclose(file);
    printf("%ld otherwise, %ld disturbed, %d handled, %d forked, %ld of them well\n", otherwise, disturbed, handled > 0, forked > 0, forked - in_children);
    return 0;
}
