// dialer PORT COUNT [PAUSE_US [FILE [END_DELAY_US]]]: dials COUNT times (0: for ever), PAUSE_US in between.
// After each dial has returned it stores the number of them in FILE, eight bytes, through a shared mapping: what a parent reads there
// after a SIGKILL is exact. "-" is no file. Waits END_DELAY_US before it ends.
#include "dial.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv) {
    int port = atoi(argv[1]);
    long count = atol(argv[2]), pause = argc > 3 ? atol(argv[3]) : 0;
    uint64_t own = 0;
    volatile uint64_t *done = &own;
    if (argc > 4 && strcmp(argv[4], "-")) {
        int fd = open(argv[4], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate(fd, sizeof *done)) return 2;
        done = mmap(NULL, sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    }
    for (long i = 0; count == 0 || i < count; i++) {
        int error = dial(port);
        if (error) return error;
        *done = *done + 1;
        if (pause) usleep((useconds_t)pause);
    }
    if (argc > 5) usleep((useconds_t)atol(argv[5]));
    return 0;
}
