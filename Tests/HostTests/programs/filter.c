// filter WHEN WAY ACTION PORT COUNT: locks itself in under a list of system calls, and goes on.
//   WHEN    before the first dial, or after COUNT dials
//   WAY     how the filter is installed: prctl, syscall, seccomp (by libseccomp), and each of the last two with "-all": for all threads, of
//           which there are two then, both dialling behind it; inline: by an instruction of its own, which nobody can see
//   ACTION  what a call that is not on the list comes to: errno, trap, thread, process; or strict, which is no filter (prctl alone)
// Then it makes 100,000 calls of functions that an agent may hook and that need no system call but read(2), and dials COUNT times.
// On the list is what the program itself still does. What is trapped is told.
#define _GNU_SOURCE
#include "dial.h"
#include <curl/curl.h>
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const int own[] = {SYS_read, SYS_write, SYS_exit_group, SYS_rt_sigreturn, SYS_socket, SYS_connect, SYS_setsockopt, SYS_close};
enum { COUNT_OWN = sizeof own / sizeof *own };

static void say(const char *text) { (void)!write(1, text, strlen(text)); }

static void trapped(int number, siginfo_t *information, void *unused) {
    (void)number, (void)unused;
    char text[] = "trapped 000\n";
    for (int at = 10, call = information->si_syscall; at > 7; at--, call /= 10) text[at] = (char)('0' + call % 10);
    say(text);
}

static long inline_call(long number, long a, long b, long c) {
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return number;
}

static int install(const char *way, unsigned action) {
    int for_all = strstr(way, "-all") != NULL;
    struct sock_filter filter[COUNT_OWN * 2 + 2] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    for (int i = 0; i < COUNT_OWN; i++) {
        filter[1 + 2 * i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, own[i], 0, 1);
        filter[2 + 2 * i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    filter[1 + 2 * COUNT_OWN] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
    if (!strcmp(way, "prctl")) return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    if (!strncmp(way, "syscall", 7)) return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, for_all ? SECCOMP_FILTER_FLAG_TSYNC : 0, &program);
    if (!strcmp(way, "inline")) return (int)inline_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&program);
    scmp_filter_ctx context = seccomp_init(action);
    seccomp_attr_set(context, SCMP_FLTATR_CTL_TSYNC, (unsigned)for_all);
    for (int i = 0; i < COUNT_OWN; i++) seccomp_rule_add(context, SCMP_ACT_ALLOW, own[i], 0);
    return seccomp_load(context);
}

static volatile int is_ready, may_go;

// What a thread does at its start is not on the list.
static void *dial_on(void *port) {
    is_ready = 1;
    while (!may_go) continue;
    for (;;) dial(*(int *)port);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 6) return 2;
    int is_after = !strcmp(argv[1], "after"), is_strict = !strcmp(argv[3], "strict"), port = atoi(argv[4]), count = atoi(argv[5]), result;
    curl_global_init(CURL_GLOBAL_ALL);
    CURL *handle = curl_easy_init();
    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    for (int i = 0; is_after && i < count; i++)
        if (dial(port)) return 3;
    pthread_t other;
    if (strstr(argv[2], "-all")) {
        pthread_create(&other, NULL, dial_on, &port);
        while (!is_ready) continue;
    }
    unsigned denied = !strcmp(argv[3], "errno") ? SECCOMP_RET_ERRNO | EPERM
                      : !strcmp(argv[3], "trap") ? SECCOMP_RET_TRAP
                      : !strcmp(argv[3], "thread") ? SECCOMP_RET_KILL_THREAD
                                                   : SECCOMP_RET_KILL_PROCESS;
    result = is_strict ? prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) : install(argv[2], denied);
    if (result) return 4;
    may_go = 1;
    for (int i = 0; i < 25000; i++) {
        curl_easy_setopt(handle, CURLOPT_URL, i & 1 ? "http://127.0.0.1/a" : "http://127.0.0.1/b");
        if (!dlsym(RTLD_DEFAULT, "curl_easy_perform")) return 5;
        if (syscall(SYS_read, -1, NULL, 0) != -1) return 6;
        curl_easy_reset(handle);
    }
    for (int i = 0; !is_strict && i < count; i++)
        if (dial(port)) return 7;
    say("unharmed\n");
    // Not exit_group in strict mode; and nothing that libraries have to do at the end.
    syscall(is_strict ? SYS_exit : SYS_exit_group, 0);
    return 0;
}
