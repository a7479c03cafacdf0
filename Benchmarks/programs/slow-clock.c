// A clock that goes on by a microsecond with each look. A call that is counted instruction by instruction takes a tenth of a second and more,
// so that by the real clock what the agent does ten times a second it would do in each of them.
#include <stdint.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    static uint64_t looks;
    uint64_t microseconds = (clock == CLOCK_REALTIME ? 1700000000u : 1000u) * (uint64_t)1000000 + __atomic_add_fetch(&looks, 1, __ATOMIC_RELAXED);
    *time = (struct timespec){.tv_sec = (time_t)(microseconds / 1000000), .tv_nsec = (long)(microseconds % 1000000) * 1000};
    return 0;
}
