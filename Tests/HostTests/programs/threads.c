// threads COUNT PORT: so many threads at the same time, with the smallest stacks there are. Each makes a call of each kind that fits there,
// when all have begun. Before and after that the program is looked at: a process with one thread has to be one to libc too.
#include "dial.h"
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>

static int port, wrong;
static pthread_barrier_t all;

static int tasks(void) {
    DIR *folder = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder));) count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static void *work(void *unused) {
    pthread_barrier_wait(&all);
    int good = dial(port) == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) >= 0 && syscall(SYS_getpid) == getpid() && dlsym(RTLD_DEFAULT, "getpid");
    if (!good) __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
    return unused;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int count = atoi(argv[1]);
    port = atoi(argv[2]);
    for (int i = 0; i < 20; i++) {
        dial(port);
        if (tasks() != 1 || !__libc_single_threaded) return 3;
    }
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16 << 10);
    pthread_barrier_init(&all, NULL, (unsigned)count);
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], &attributes, work, NULL)) return 4;
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    free(threads);
    printf("%d threads, %d wrong\n", count, wrong);
    return 0;
}
