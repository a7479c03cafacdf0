#define _GNU_SOURCE
#include "include/otel_region.h"
#include "include/otel_helper.h"
#include "include/otel_syscall.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/utsname.h>

// Known to old headers under no name.
enum { MFD_NOEXEC_SEAL_ = 8, MADV_WIPEONFORK_ = 18 };

static bool is_error(long result) { return result < 0 && result > -4096; }

// MARK: In the helper

static void entry_text(struct text *text, const char *name, const char *value) {
    if (!value || !*value) return;
    text_put(text, name);
    text_put(text, "=");
    text_put(text, value);
    if (text->at < text->end) *text->at++ = 0;
}

static void entry_number(struct text *text, const char *name, unsigned long value) {
    char digits[24];
    struct text number = {digits, digits + sizeof digits - 1};
    text_put_number(&number, value);
    entry_text(text, name, digits);
}

/// The names are those of Sources/OTelRegion/Identity.swift. What nobody asks for yet is not here: reading /proc/self/cgroup alone took a quarter of the time of a first record.
static size_t write_identity(const struct otel_region_request *request, char *area) {
    struct text text = {area, area + request->identity_capacity - 1};
    entry_number(&text, "process.pid", (unsigned long)request->process_id);
    if (request->pid_namespace) entry_number(&text, "process.pid_namespace", request->pid_namespace);
    entry_number(&text, "process.user.id", (unsigned long)otel_syscall0(SYS_geteuid));
    entry_text(&text, "process.executable.path", request->executable);
    entry_text(&text, "process.command", request->command);
    entry_number(&text, "process.start_time_unix_nano", request->start_time);
    struct utsname name;
    if (!is_error(otel_syscall1(SYS_uname, &name))) {
        entry_text(&text, "host.name", name.nodename);
        entry_text(&text, "os.release", name.release);
        entry_text(&text, "host.machine", name.machine);
    }
    size_t room = (size_t)(text.end - text.at);
    if (request->configuration_length <= room) {
        memcpy(text.at, request->configuration, request->configuration_length);
        text.at += request->configuration_length;
    }
    return (size_t)(text.at - area);
}

/// A sealed file of `size` bytes that nobody can shrink under a mapping: no SIGBUS. Not sealed against sealing: that the relay can
/// still add F_SEAL_WRITE, once nobody maps the file writable, is how it sees the death of a process.
static long sealed_file(size_t size) {
    struct rlimit limit;
    // ftruncate beyond the limit is SIGXFSZ, not an error.
    if (!is_error(otel_syscall4(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit)) && limit.rlim_cur < size) return -EFBIG;
    long file = otel_syscall2(SYS_memfd_create, "otelagent", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL_);
    if (file == -EINVAL) file = otel_syscall2(SYS_memfd_create, "otelagent", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return file;
    long result = otel_syscall2(SYS_ftruncate, file, size);
    if (!is_error(result)) result = otel_syscall3(SYS_fcntl, file, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK);
    if (!is_error(result)) return file;
    otel_syscall1(SYS_close, file);
    return result;
}

static int make(void *argument) {
    struct otel_region_request *request = argument;
    long file = sealed_file(request->size);
    if (file < 0) {
        request->made = (int)file;
        return 1;
    }
    long mapped = otel_syscall6(SYS_mmap, 0, (long)request->size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (is_error(mapped)) {
        request->made = (int)mapped;
        otel_syscall1(SYS_close, file);
        return 1;
    }
    char *region = (char *)mapped;
    // A child has no business in its parent's region, a core file none in anybody's.
    long kept = otel_syscall3(SYS_madvise, mapped, request->size, MADV_DONTFORK);
    otel_syscall3(SYS_madvise, mapped, request->size, MADV_DONTDUMP);
    if (is_error(kept)) {
        otel_syscall2(SYS_munmap, mapped, request->size);
        otel_syscall1(SYS_close, file);
        request->made = (int)kept;
        return 1;
    }
    for (size_t i = 0; i < sizeof request->words / sizeof *request->words; i++)
        *(uint64_t *)(region + request->words[i].offset) = request->words[i].value;
    *(uint64_t *)(region + request->identity_length_offset) = write_identity(request, region + request->identity_offset);
    __atomic_store_n((uint64_t *)(region + request->magic_offset), request->magic, __ATOMIC_RELEASE);
    request->region = region;
    request->made = 0;
    request->relay.region = (int)file;
    request->relay.tls_files = otel_tls_files_read(&request->tls_paths);
    request->handed_over = otel_relay_find_or_start(&request->relay);
    // The helper's descriptors end with it.
    return 0;
}

// MARK: In the host

bool otel_host_is_filtered;

bool otel_region_make(struct otel_region_request *request) {
    request->region = NULL;
    request->made = -ECHILD;
    request->handed_over = -ECHILD;
    int result = otel_helper_run(make, request);
    if (result < -1) request->made = result;
    return request->region != NULL;
}

void *otel_private_memory(size_t size) {
    long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    long memory = otel_syscall6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (is_error(memory)) return NULL;
    otel_syscall3(SYS_madvise, memory, size, MADV_DONTDUMP);
    return (void *)memory;
}

void *otel_region_make_private(size_t size) {
    void *region = otel_private_memory(size);
    if (!region || !is_error(otel_syscall3(SYS_madvise, region, size, MADV_DONTFORK))) return region;
    otel_syscall2(SYS_munmap, region, size);
    return NULL;
}

void *otel_process_page(size_t size) {
    long page = otel_syscall6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (is_error(page)) return NULL;
    if (!is_error(otel_syscall3(SYS_madvise, page, size, MADV_WIPEONFORK_))) return (void *)page;
    otel_syscall2(SYS_munmap, page, size);
    return NULL;
}

bool otel_region_retire(void *region, size_t size) {
    long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    return !is_error(otel_syscall6(SYS_mmap, (long)region, (long)size, PROT_READ | PROT_WRITE, flags, -1, 0));
}

void otel_region_stand_in(void *region, size_t size) {
    enum { MAP_FIXED_NOREPLACE_ = 0x100000 }; // Linux 4.17; before, a hint
    long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE_;
    long memory = otel_syscall6(SYS_mmap, (long)region, (long)size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (!is_error(memory) && memory != (long)region) otel_syscall2(SYS_munmap, memory, size);
}

/// The digits of "pid:[4026531836]"; 0 when there are none.
static uint64_t link_number(const char *link) {
    char target[40];
    long length = otel_syscall4(SYS_readlinkat, AT_FDCWD, link, target, sizeof target);
    uint64_t number = 0;
    for (long i = 0; i < length; i++)
        if (target[i] >= '0' && target[i] <= '9') number = number * 10 + (uint64_t)(target[i] - '0');
    return number;
}

bool otel_pid_namespace(uint64_t *inode) {
    *inode = link_number("/proc/thread-self/ns/pid");
    // As long as a name space has no first process its link leads nowhere (proc_pid_ns(5)).
    return *inode == 0 || link_number("/proc/thread-self/ns/pid_for_children") != 0;
}

void otel_region_discard(void *region, size_t size) { otel_syscall2(SYS_munmap, region, size); }

bool otel_process_is_subreaper(void) {
    int answer = 0;
    return !is_error(otel_syscall5(SYS_prctl, PR_GET_CHILD_SUBREAPER, &answer, 0, 0, 0)) && answer != 0;
}

int otel_process_id(void) { return (int)otel_syscall0(SYS_getpid); }

bool otel_host_name(char *name, size_t capacity) {
    struct utsname system;
    if (is_error(otel_syscall1(SYS_uname, &system))) return false;
    size_t length = strlen(system.nodename);
    if (length >= capacity) return false;
    memcpy(name, system.nodename, length + 1);
    return true;
}

bool otel_random(uint64_t *words, size_t count) {
    long bytes = (long)(count * sizeof *words);
    return otel_syscall3(SYS_getrandom, words, bytes, GRND_NONBLOCK) == bytes;
}

bool otel_executable_path(char *path, size_t capacity) {
    long length = otel_syscall4(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, capacity - 1);
    if (length <= 0) return false;
    path[length] = 0;
    return true;
}
