#include "include/otel_name_space.h"
#include "include/otel_syscall.h"
#include <fcntl.h>

uint64_t otel_name_space(const char *link) {
    char target[64];
    long length = otel_syscall4(SYS_readlinkat, AT_FDCWD, link, target, sizeof target);
    uint64_t number = 0;
    for (long i = 0; i < length; i++)
        if (target[i] >= '0' && target[i] <= '9') number = number * 10 + (uint64_t)(target[i] - '0');
    return number;
}
