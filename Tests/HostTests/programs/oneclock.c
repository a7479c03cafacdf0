// A preloaded object that makes all clocks of its program the same one, in steps of a tenth of a second.
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    (void)clock;
    long result = syscall(SYS_clock_gettime, CLOCK_REALTIME, now);
    now->tv_nsec -= now->tv_nsec % 100000000;
    return (int)result;
}
