// forks WAY PORT [COUNT]: makes COUNT children (1 by default) in one of the ways below. Each dials once, says its pid in a line of its
// own, and ends; whatever is executed is this program again. The parent dials before each and after each. At the end it says how often
// it dialled. Exits 0, or says what was wrong: a child that did not end by itself.
#define _GNU_SOURCE
#include "dial.h"
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

extern char **environ;
static const char *self, *port_text;
static int port;
static long dials; // the parent's own

/// In one write(2), async-signal-safe: several processes share the output. By the system call, as the child of a raw one may find
/// getpid(3) none the wiser.
static void say(const char *what, long number) {
    char line[64];
    int length = snprintf(line, sizeof line, "%s %ld\n", what, number);
    (void)!write(1, line, (size_t)length);
}
static void record(void) {
    if (dial(port)) _exit(3);
    say("child", syscall(SYS_getpid));
}
static void record_as_parent(void) {
    if (dial(port)) exit(3);
    dials++;
}
static void await_child(pid_t pid) {
    int status;
    pid_t waited;
    while ((waited = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {}
    if (waited != pid || status) {
        fprintf(stderr, "child %d: waited %d, status %#x\n", pid, waited, status);
        _exit(4);
    }
}

// MARK: Ways

static void by_fork(void) {
    pid_t pid = fork();
    if (pid == 0) record(), _exit(0);
    await_child(pid);
}
static void by_vfork(void) {
    pid_t pid = vfork();
    if (pid == 0) execl(self, self, "one", port_text, NULL), _exit(127);
    await_child(pid);
}
/// Records in its parent's memory, which nobody may do and somebody does.
static void by_vfork_that_records(void) {
    pid_t pid = vfork();
    if (pid == 0) _exit(dial(port));
    await_child(pid);
    dials++;
}
static void by_spawn(void) {
    pid_t pid;
    char *arguments[] = {(char *)self, "one", (char *)port_text, NULL};
    if (posix_spawn(&pid, self, NULL, NULL, arguments, environ)) _exit(5);
    await_child(pid);
}
static void by_system(void) {
    char command[4096];
    snprintf(command, sizeof command, "exec '%s' one %s", self, port_text);
    if (system(command)) _exit(5);
}
static void by_popen(void) {
    char command[4096], line[64];
    snprintf(command, sizeof command, "exec '%s' one %s", self, port_text);
    FILE *pipe = popen(command, "r");
    while (fgets(line, sizeof line, pipe)) (void)!write(1, line, strlen(line));
    if (pclose(pipe)) _exit(5);
}
#if defined(SYS_fork)
static long raw_fork(void) { return syscall(SYS_fork); }
#else
static long raw_fork(void) { return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }
#endif
static long raw_clone(void) { return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }
static long raw_clone3(void) {
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    return syscall(SYS_clone3, &arguments, sizeof arguments);
}
static void by_raw(long (*make)(void)) {
    long pid = make();
    if (pid == 0) record(), _exit(0);
    if (pid < 0) _exit(6);
    await_child((pid_t)pid);
}
static void by_raw_fork(void) { by_raw(raw_fork); }
static void by_raw_clone(void) { by_raw(raw_clone); }
static void by_raw_clone3(void) { by_raw(raw_clone3); }
static void by_double_fork(void) {
    int ends[2];
    char byte;
    if (pipe(ends)) _exit(6);
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0) record(), _exit(0);
        _exit(0);
    }
    close(ends[1]);
    await_child(pid);
    // Until the grandchild has ended.
    while (read(ends[0], &byte, 1) > 0) {}
    close(ends[0]);
}

// MARK: In a signal handler

static long wanted, made;
static pid_t parent, started[100000];
static void fork_and_end(int number) {
    (void)number;
    int error = errno;
    if (made < wanted) {
        pid_t pid = fork();
        if (pid == 0) record(), _exit(0);
        started[made++] = pid;
    }
    errno = error;
}
/// The child goes on where the signal came, which may be inside of the agent.
static void fork_and_return(int number) {
    (void)number;
    int error = errno;
    if (made < wanted && getpid() == parent) {
        pid_t pid = fork();
        if (pid) started[made++] = pid;
    }
    errno = error;
}
static void in_handler(void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct itimerval timer = {{0, 700}, {0, 700}};
    parent = getpid();
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    while (made < wanted && getpid() == parent) {
        // EINTR is a span too.
        if (dial(port) && getpid() == parent) continue;
        if (getpid() == parent) dials++;
    }
    if (getpid() != parent) {
        signal(SIGALRM, SIG_IGN);
        record();
        _exit(0);
    }
    memset(&timer, 0, sizeof timer);
    setitimer(ITIMER_REAL, &timer, NULL);
    for (long i = 0; i < made; i++) await_child(started[i]);
}

// MARK: Among threads

enum { THREADS = 8 };
static atomic_bool done;
static atomic_long thread_dials;
static void *dial_on(void *argument) {
    (void)argument;
    while (!done) {
        if (dial(port)) abort();
        thread_dials++;
        usleep(10000);  // Not more than a ring holds of seconds in which the relay gets no processor.
    }
    return NULL;
}
static void among_threads(void) {
    pthread_t threads[THREADS];
    record_as_parent(); // Not by several at once: of the first records, those that come while the region is made pass by.
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, dial_on, NULL);
    for (long i = 0; i < wanted; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            alarm(60); // A child that hangs is a child that was ended by a signal.
            record();
            if (i % 3 == 0) _exit(0);
            if (i % 3 == 1) exit(0);
            execl(self, self, "nothing", port_text, NULL);
            _exit(127);
        }
        await_child(pid);
    }
    done = true;
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    dials += thread_dials;
}

static const struct {
    const char *name;
    void (*make)(void);
} ways[] = {
    {"fork", by_fork},         {"vfork", by_vfork},         {"vfork-records", by_vfork_that_records},
    {"posix_spawn", by_spawn}, {"system", by_system},       {"popen", by_popen},
    {"SYS_fork", by_raw_fork}, {"SYS_clone", by_raw_clone}, {"SYS_clone3", by_raw_clone3},
    {"double", by_double_fork},
};

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    self = argv[0], port_text = argv[2], port = atoi(argv[2]);
    wanted = argc > 3 ? atol(argv[3]) : 1;
    const char *way = argv[1];
    if (!strcmp(way, "nothing")) return 0;
    if (!strcmp(way, "one")) return record(), 0;
    if (!strcmp(way, "handler")) in_handler(fork_and_end);
    else if (!strcmp(way, "handler-returns")) in_handler(fork_and_return);
    else if (!strcmp(way, "threads")) among_threads();
    else {
        size_t i = 0, count = sizeof ways / sizeof *ways;
        while (i < count && strcmp(ways[i].name, way)) i++;
        if (i == count) return 2;
        for (long n = 0; n < wanted; n++) {
            record_as_parent();
            ways[i].make();
            record_as_parent();
        }
    }
    say("parent", getpid());
    say("dials", dials);
    return 0;
}
