// confined WHEN ACTION PORT COUNT: gives rights away, or moves into another name space, and goes on.
//   before  ACTION, then COUNT dials
//   after   COUNT dials, ACTION, COUNT dials
// Prints what ACTION returned, what the dials behind it came to, what every thread's rights are then, and whether a child can be made.
// "threads-ACTION" does it beside three other threads, one of which dials on and on.
#define _GNU_SOURCE
#include "dial.h"
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { NOBODY = 65534 };

static int drop_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct nothing[2] = {0};
    return (int)syscall(SYS_capset, &header, nothing);
}

static int enter_empty_root(void) {
    char folder[] = "/tmp/otel-empty-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) || rmdir(folder)) return -2;
    return chroot(".");
}

static int leave_for_removed_folder(void) {
    char folder[] = "/tmp/otel-removed-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder)) return -2;
    return rmdir(folder);
}

static int enter_own(const char *name_space) {
    int file = open(name_space, O_RDONLY | O_CLOEXEC);
    int result = setns(file, 0);
    close(file);
    return result;
}

/// Nothing below "/" may be opened, made or executed any more.
static int landlock(void) {
    struct landlock_ruleset_attr attributes = {.handled_access_fs = (1ull << 13) - 1};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (rules < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -2;
    int result = (int)syscall(SYS_landlock_restrict_self, rules, 0);
    close(rules);
    return result;
}

static int act(const char *action) {
    gid_t group = NOBODY;
    if (!strcmp(action, "setuid")) return setuid(NOBODY);
    if (!strcmp(action, "setreuid")) return setreuid(NOBODY, NOBODY);
    if (!strcmp(action, "seteuid")) return seteuid(NOBODY);
    if (!strcmp(action, "setresuid")) return setresuid(NOBODY, NOBODY, NOBODY);
    if (!strcmp(action, "setgid")) return setgid(NOBODY);
    if (!strcmp(action, "setgroups")) return setgroups(1, &group);
    if (!strcmp(action, "all")) return setgroups(1, &group) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY);
    if (!strcmp(action, "capset")) return drop_capabilities();
    if (!strcmp(action, "chroot")) return enter_empty_root();
    if (!strcmp(action, "chdir")) return leave_for_removed_folder();
    if (!strcmp(action, "user")) return unshare(CLONE_NEWUSER);
    if (!strcmp(action, "mount")) return unshare(CLONE_NEWNS);
    if (!strcmp(action, "pid")) return unshare(CLONE_NEWPID);
    if (!strcmp(action, "net")) return unshare(CLONE_NEWNET);
    if (!strcmp(action, "time")) return unshare(0x80);  // CLONE_NEWTIME
    if (!strcmp(action, "setns-mount")) return enter_own("/proc/self/ns/mnt");
    if (!strcmp(action, "setns-net")) return enter_own("/proc/self/ns/net");
    if (!strcmp(action, "setns-pid")) return enter_own("/proc/self/ns/pid");
    if (!strcmp(action, "no-new-privileges")) return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!strcmp(action, "not-dumpable")) return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (!strcmp(action, "no-writable-code")) return prctl(65 /* PR_SET_MDWE */, 1 /* PR_MDWE_REFUSE_EXEC_GAIN */, 0, 0, 0);
    if (!strcmp(action, "landlock")) return landlock();
    return -3;
}

static volatile int ends;

static void *idle(void *unused) {
    while (!ends) usleep(1000);
    return unused;
}

static void *dial_on(void *port) {
    while (!ends) dial(*(int *)port);
    return NULL;
}

/// Of every thread, one line for each that differs.
static void print_rights(DIR *tasks) {
    char first[4096] = {0}, line[256], text[4096];
    struct dirent *entry;
    while (tasks && (entry = readdir(tasks))) {
        char name[300];
        snprintf(name, sizeof name, "%s/status", entry->d_name);
        int file = openat(dirfd(tasks), name, O_RDONLY | O_CLOEXEC);
        FILE *status = entry->d_name[0] == '.' || file < 0 ? NULL : fdopen(file, "r");
        if (!status) continue;
        text[0] = 0;
        while (fgets(line, sizeof line, status))
            if (!strncmp(line, "Cap", 3) || !strncmp(line, "Uid", 3) || !strncmp(line, "Gid", 3) || !strncmp(line, "Groups", 6) ||
                !strncmp(line, "Seccomp", 7) || !strncmp(line, "NoNewPrivs", 10))
                strcat(text, line);
        fclose(status);
        if (strcmp(text, first)) fputs(text, stdout);
        strcpy(first, text);
    }
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    const char *action = argv[2];
    int port = atoi(argv[3]), count = atoi(argv[4]), is_threaded = !strncmp(action, "threads-", 8);
    DIR *tasks = opendir("/proc/self/task");
    pthread_t others[3];
    if (!strcmp(argv[1], "after"))
        for (int i = 0; i < count; i++)
            if (dial(port)) return 3;
    if (is_threaded) {
        pthread_create(&others[0], NULL, idle, NULL);
        pthread_create(&others[1], NULL, idle, NULL);
        pthread_create(&others[2], NULL, dial_on, &port);
        action += 8;
    }
    errno = 0;
    int result = act(action);
    printf("%s: %d %s\n", action, result, strerror(errno));
    for (int i = 0, last = -1; i < count; i++) {
        int error = dial(port);
        if (error != last) printf("dial: %s\n", strerror(error));
        last = error;
    }
    print_rights(tasks);
    ends = 1;
    for (int i = 0; is_threaded && i < 3; i++) pthread_join(others[i], NULL);
    for (int i = 0; i < 2; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) _exit(getpid() == 1 ? 11 : 12);
        int status = 0, error = child < 0 ? errno : 0;
        if (child > 0) waitpid(child, &status, 0);
        printf("child: %s, status %d\n", strerror(error), WEXITSTATUS(status));
    }
    return 0;
}
