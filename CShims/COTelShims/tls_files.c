#define _GNU_SOURCE
#include "include/otel_tls_files.h"
#include "include/otel_syscall.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { MFD_NOEXEC_SEAL_ = 8 };  // Linux 6.3

static void put(int file, const char *text) { otel_syscall3(SYS_write, file, text, strlen(text)); }

/// Copies a regular file's bytes into `target`. 0, or -errno.
static long copy(const char *path, int target) {
    // A FIFO without a writer would be waited for.
    long source = otel_syscall4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
    if (source < 0) return source;
    struct stat found;
    long result = otel_syscall2(SYS_fstat, source, &found);
    if (result >= 0 && !S_ISREG(found.st_mode)) result = S_ISDIR(found.st_mode) ? -EISDIR : -ENOTSUP;
    if (result >= 0 && found.st_size > OTEL_TLS_FILE_MOST) result = -EFBIG;
    long left = OTEL_TLS_FILE_MOST;
    while (result >= 0 && left > 0) {
        result = otel_syscall4(SYS_sendfile, target, source, NULL, left);
        if (result == 0) break;
        if (result > 0) left -= result;
    }
    otel_syscall1(SYS_close, source);
    return result < 0 ? result : 0;
}

static void add(int target, const char *name, const char *path) {
    if (!path) return;
    long start = otel_syscall3(SYS_lseek, target, 0, SEEK_CUR);
    put(target, name);
    put(target, "=");
    long result = copy(path, target);
    if (result < 0) {
        otel_syscall2(SYS_ftruncate, target, start);
        otel_syscall3(SYS_lseek, target, start, SEEK_SET);
        char digits[24];
        struct text number = {digits, digits + sizeof digits - 1};
        text_put_number(&number, (unsigned long)-result);
        put(target, name);
        put(target, ".error=");
        put(target, digits);
    }
    otel_syscall3(SYS_write, target, "", 1);
}

int otel_tls_files_read(const struct otel_tls_paths *paths) {
    if (!paths->certificate && !paths->client_certificate && !paths->client_key) return -1;
    long file = otel_syscall2(SYS_memfd_create, "otelagent-tls", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL_);
    if (file == -EINVAL) file = otel_syscall2(SYS_memfd_create, "otelagent-tls", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return (int)file;
    add((int)file, "certificate", paths->certificate);
    add((int)file, "client_certificate", paths->client_certificate);
    add((int)file, "client_key", paths->client_key);
    otel_syscall3(SYS_fcntl, file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    return (int)file;
}
