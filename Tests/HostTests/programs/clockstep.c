// A preloaded object that sets the wall clock of its program: CLOCK_REALTIME is ahead by the seconds that the file CLOCKSTEP holds, eight
// bytes that may change at any time. The other clocks stay.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static const volatile int64_t none = 0, *volatile step;
    if (!step) {
        const char *file = getenv("CLOCKSTEP");
        int descriptor = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
        void *mapped = descriptor < 0 ? MAP_FAILED : mmap(NULL, sizeof *step, PROT_READ, MAP_SHARED, descriptor, 0);
        if (descriptor >= 0) close(descriptor);
        step = mapped == MAP_FAILED ? &none : mapped;
    }
    long result = syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += *step;
    return (int)result;
}
