// daemon WAY PORT FOLDER: dials once, becomes a daemon in one of the ways below, dials once more, opens 1000 files in FOLDER and writes into
// each its number; then says in FOLDER/report what a daemon can know of itself, and ends.
#define _GNU_SOURCE
#include "dial.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const char *folder;
enum { FILES = 1000 };

static void open_null(void) {
    for (int i = 0; i < 3; i++)
        if (open("/dev/null", O_RDWR) != i) _exit(4);
}
static void close_all_by_range(unsigned first) {
    if (syscall(SYS_close_range, first, ~0u, 0)) _exit(5);
}
static void twice_forked(void) {
    if (fork()) _exit(0);
    setsid();
    if (fork()) _exit(0);
    umask(027);
    if (chdir("/")) _exit(6);
}
static void by_hand(void) {
    twice_forked();
    for (int descriptor = 0; descriptor < 4096; descriptor++) close(descriptor);
    open_null();
}
static void by_closefrom(void) {
    twice_forked();
    // closefrom(3), as in glibc 2.34.
    close_all_by_range(0);
    open_null();
}
static void by_close_range(void) {
    twice_forked();
    close_all_by_range(3);
}
static void by_dup2(void) {
    twice_forked();
    int null = open("/dev/null", O_RDWR);
    for (int descriptor = 0; descriptor < 4000; descriptor++)
        if (descriptor != null && dup2(null, descriptor) < 0) _exit(7);
    for (int descriptor = 3; descriptor < 4000; descriptor++) close(descriptor);
}
static void by_library(void) {
    if (daemon(0, 0)) _exit(8);
}

static const struct {
    const char *name;
    void (*become)(void);
} ways[] = {{"by hand", by_hand}, {"closefrom", by_closefrom}, {"close_range", by_close_range}, {"dup2", by_dup2}, {"daemon(3)", by_library}};

static void report(void) {
    char path[4096], text[4096];
    snprintf(path, sizeof path, "%s/report.new", folder);
    FILE *file = fopen(path, "w");
    fprintf(file, "report at %d\n", fileno(file));
    DIR *open_files = opendir("/proc/self/fd");
    int count = 0;
    for (struct dirent *entry; (entry = readdir(open_files));) count += entry->d_name[0] != '.';
    fprintf(file, "%d descriptors, in %s, session %d of its own, group %d, mask %o\n", count, getcwd(text, sizeof text), getsid(0) == getpid(),
        getpgrp() == getpid(), umask(0));
    for (int descriptor = 0; descriptor < 3; descriptor++) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t length = readlink(link, text, sizeof text - 1);
        text[length < 0 ? 0 : length] = 0;
        fprintf(file, "%d %s\n", descriptor, strncmp(text, "pipe:", 5) ? text : "pipe");
    }
    fclose(file);
    snprintf(text, sizeof text, "%s/report", folder);
    rename(path, text);
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    folder = argv[3];
    struct rlimit limit = {8192, 8192};
    if (setrlimit(RLIMIT_NOFILE, &limit) || dial(atoi(argv[2]))) return 3;
    size_t i = 0, number_of_ways = sizeof ways / sizeof *ways;
    while (i < number_of_ways && strcmp(ways[i].name, argv[1])) i++;
    if (i == number_of_ways) return 2;
    ways[i].become();
    for (int number = 0; number < FILES; number++) {
        char path[4096], text[64];
        snprintf(path, sizeof path, "%s/%d", folder, number);
        int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        int length = snprintf(text, sizeof text, "file %d has descriptor %d\n", number, descriptor);
        if (write(descriptor, text, (size_t)length) != length) _exit(9);
        // In between, and so with all that the agent does at a first record.
        if (number % 250 == 100 && dial(atoi(argv[2]))) _exit(10);
    }
    report();
    return 0;
}
