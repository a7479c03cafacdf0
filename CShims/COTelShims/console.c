#define _GNU_SOURCE
#include "include/otel_console.h"
#include "include/otel_region.h"
#include "include/otel_syscall.h"
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

// The kernel's signal set: 64 bits, whatever sigset_t says.
enum { KERNEL_SIGSET_SIZE = 8 };
#define BIT(signal) (1ull << ((signal)-1))

void otel_console_open(struct otel_console *console) {
    struct stat status;
    console->is_open = otel_syscall2(SYS_fstat, STDERR_FILENO, &status) == 0;
    if (!console->is_open) return;
    console->device = status.st_dev;
    console->inode = status.st_ino;
    console->type = status.st_mode & S_IFMT;
    console->is_deleted = status.st_nlink == 0;
    console->is_pipe = S_ISFIFO(status.st_mode);
}

/// A program may close descriptor 2, and what it opens next gets that number: a database, a connection.
static bool is_same(const struct otel_console *console) {
    struct stat status;
    if (otel_syscall2(SYS_fstat, STDERR_FILENO, &status) != 0) return false;
    return status.st_dev == console->device && status.st_ino == console->inode && (status.st_mode & S_IFMT) == console->type &&
           (!console->is_deleted || status.st_nlink == 0);
}

/// A write was cut short (a full disk, a terminal that does not wait): the next line must not go on where that one ended.
static bool is_torn;

/// write(2) raises these in the calling thread. Blocked, they become pending, and are taken away again, unless they were there before.
static long write_without_signals(const char *text, size_t size) {
    uint64_t raised = BIT(SIGPIPE) | BIT(SIGXFSZ), blocked = raised | BIT(SIGTTOU), before = 0, pending = 0;
    if (otel_syscall4(SYS_rt_sigprocmask, SIG_BLOCK, &blocked, &before, KERNEL_SIGSET_SIZE) < 0) return -EPERM;
    if (before & raised) otel_syscall2(SYS_rt_sigpending, &pending, KERNEL_SIGSET_SIZE);
    long written = otel_syscall3(SYS_write, STDERR_FILENO, text, size);
    uint64_t ours = written == -EPIPE ? BIT(SIGPIPE) : written == -EFBIG ? BIT(SIGXFSZ) : 0;
    if (ours & ~pending) {
        struct { long seconds, nanoseconds; } none = {0, 0};
        otel_system_call(SYS_rt_sigtimedwait, (long)&ours, 0, (long)&none, KERNEL_SIGSET_SIZE, 0, 0);
    }
    otel_system_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, KERNEL_SIGSET_SIZE, 0, 0);
    return written;
}

bool otel_console_write(const struct otel_console *console, const char *text, size_t size) {
    if (!console->is_open || otel_host_filtered() || !is_same(console)) return false;
    size_t feed = __atomic_exchange_n(&is_torn, false, __ATOMIC_RELAXED) ? 1 : 0;
    long written = write_without_signals(text - feed, size + feed);
    bool is_whole = written == (long)(size + feed);
    if (!is_whole && (written > (long)feed || (feed && written <= 0))) __atomic_store_n(&is_torn, true, __ATOMIC_RELAXED);
    return is_whole;
}
