// loads_late LIBRARY PORT WAY: dials, opens LIBRARY in one of the ways below and closes it again, dials, does both once more, and ends.
#define _GNU_SOURCE
#include "dial.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const char *library;
static int flags;

static int open_and_close(void) {
    void *handle = dlopen(library, flags);
    if (!handle) return printf("%s\n", dlerror()), 1;
    return dlclose(handle);
}
static void *in_thread(void *port) {
    if (open_and_close() || dial(atoi(port))) exit(4);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    library = argv[1];
    // What is loaded already is closed oftener than it was opened.
    int is_loaded = !strcmp(argv[3], "loaded");
    flags = RTLD_NOW | (is_loaded ? RTLD_NOLOAD : !strcmp(argv[3], "global") ? RTLD_GLOBAL : RTLD_LOCAL);
    for (int i = 0; i < 2; i++) {
        if (dial(atoi(argv[2])) || open_and_close() || dial(atoi(argv[2]))) return 3;
        if (is_loaded) {
            void *handle = dlopen(library, flags);
            for (int n = 0; n < 3 && handle; n++) dlclose(handle);
        }
    }
    pthread_t thread;
    pthread_create(&thread, NULL, in_thread, argv[2]);
    pthread_join(thread, NULL);
    pid_t pid = fork();
    if (pid == 0) return dial(atoi(argv[2]));
    int status;
    if (waitpid(pid, &status, 0) != pid || status) return 5;
    puts("closed");
    return 0;
}
