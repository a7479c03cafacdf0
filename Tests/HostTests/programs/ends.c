// ends WAY PORT COUNT [PEER_PORT]: dials COUNT times, and ends in the way of the table below; a program that is to be executed is this
// one again, which dials once more and returns 7. With PEER_PORT, a thread of it waits in connect(2) meanwhile: for a peer that does not answer.
#define _GNU_SOURCE
#include "dial.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static char *self, *port;

static int by_return(void) { return 7; }
static int by_exit(void) { exit(7); }
static int by_plain_exit(void) { _exit(7); }
static int by_quick_exit(void) { quick_exit(7); }
static int by_abort(void) { abort(); }
static int by_signal(int number) {
    kill(getpid(), number);
    return pause(), 9;
}
static int by_kill(void) { return by_signal(SIGKILL); }
static int by_term(void) { return by_signal(SIGTERM); }
static int by_fault(void) { return *(volatile int *)8; }
static int by_illegal_instruction(void) { __builtin_trap(); }
static int by_exec(void) {
    char *arguments[] = {self, "return", port, "1", NULL};
    return execv(self, arguments);
}
static int by_exec_and_kill(void) {
    char *arguments[] = {self, "SIGKILL", port, "1", NULL};
    return execv(self, arguments);
}
static void *exit_here(void *argument) { (void)argument, exit(7); }
static void *plain_exit_here(void *argument) { (void)argument, _exit(7); }
static void *exec_here(void *argument) { (void)argument, (void)by_exec(); return NULL; }
static int in_thread(void *(*work)(void *)) {
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
    return 9;
}
static int by_exit_of_a_thread(void) { return in_thread(exit_here); }
static int by_plain_exit_of_a_thread(void) { return in_thread(plain_exit_here); }
static int by_exec_of_a_thread(void) { return in_thread(exec_here); }
static void *dial_later(void *argument) {
    usleep(20000);
    if (dial(atoi(argument))) exit(3);
    return NULL;
}
/// The last thread's end is the process's, with status 0.
static int by_pthread_exit(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, dial_later, port);
    pthread_detach(thread);
    pthread_exit(NULL);
}
static void exit_in_handler(int number) { (void)number, exit(7); }
static void plain_exit_in_handler(int number) { (void)number, _exit(7); }
static int by_exit_in_handler(void) { return signal(SIGUSR1, exit_in_handler), by_signal(SIGUSR1); }
static int by_plain_exit_in_handler(void) { return signal(SIGUSR1, plain_exit_in_handler), by_signal(SIGUSR1); }
static void dial_at_exit(void) { if (dial(atoi(port))) _exit(3); }
static int by_atexit(void) { return atexit(dial_at_exit), 7; }
static int by_vfork_child(void) {
    int status = 0;
    pid_t pid = vfork();
    if (pid == 0) _exit(7);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return WEXITSTATUS(status);
}

static const struct {
    const char *name;
    int (*end)(void);
} ways[] = {
    {"return", by_return}, {"exit", by_exit}, {"_exit", by_plain_exit}, {"quick_exit", by_quick_exit}, {"abort", by_abort},
    {"SIGKILL", by_kill}, {"SIGTERM", by_term}, {"SIGSEGV", by_fault}, {"SIGILL", by_illegal_instruction}, {"execve", by_exec}, {"execve, SIGKILL", by_exec_and_kill},
    {"exit of a thread", by_exit_of_a_thread}, {"_exit of a thread", by_plain_exit_of_a_thread}, {"execve of a thread", by_exec_of_a_thread},
    {"pthread_exit", by_pthread_exit}, {"exit in a handler", by_exit_in_handler}, {"_exit in a handler", by_plain_exit_in_handler},
    {"atexit", by_atexit}, {"vfork child", by_vfork_child},
};

static void *wait_for_peer(void *argument) { return (void)dial(atoi(argument)), NULL; }

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    self = argv[0], port = argv[2];
    for (int i = 0; i < atoi(argv[3]); i++)
        if (dial(atoi(port))) return 3;
    if (argc > 4) {
        pthread_t thread;
        pthread_create(&thread, NULL, wait_for_peer, argv[4]);
        usleep(100000);
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (!strcmp(ways[i].name, argv[1])) return ways[i].end();
    return 2;
}
