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

/// The longest entry: a program may be started with a name of 128 KiB, and the configuration has to fit behind it.
enum { ENTRY_CAPACITY = 4096 + 64 };

static void entry_text(struct text *text, const char *name, const char *value) {
    if (!value || !*value) return;
    char *end = text->end;
    if (end - text->at > ENTRY_CAPACITY) text->end = text->at + ENTRY_CAPACITY;
    text_put(text, name);
    text_put(text, "=");
    text_put(text, value);
    text->end = end;
    if (text->at < end) *text->at++ = 0;
}

static void entry_number(struct text *text, const char *name, unsigned long value) {
    char digits[24];
    struct text number = {digits, digits + sizeof digits - 1};
    text_put_number(&number, value);
    entry_text(text, name, digits);
}

char otel_own_name[OTEL_OWN_NAME];
/// Threads may be reading it: they see what was there, or do not recognise it.
static void keep_own_name(const char *name) {
    size_t length = strlen(name);
    if (length < sizeof otel_own_name) memcpy(otel_own_name, name, length + 1);
}

/// The names are those of Sources/OTelRegion/Identity.swift. What nobody asks for yet is not here: reading /proc/self/cgroup alone took a quarter of the time of a first record.
/// 0: the configuration does not fit, and without it the spans would go to whoever the defaults name.
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
        keep_own_name(name.nodename);
        entry_text(&text, "host.name", name.nodename);
        entry_text(&text, "os.release", name.release);
        entry_text(&text, "host.machine", name.machine);
    }
    size_t room = (size_t)(text.end - text.at);
    if (request->configuration_length > room || OTEL_FAULT("configuration fits into the region")) return 0;
    memcpy(text.at, request->configuration, request->configuration_length);
    text.at += request->configuration_length;
    return (size_t)(text.at - area);
}

static long memory_file(void) {
    long file = otel_syscall2(SYS_memfd_create, "otelagent", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL_);
    return file == -EINVAL ? otel_syscall2(SYS_memfd_create, "otelagent", MFD_CLOEXEC | MFD_ALLOW_SEALING) : file;
}

/// A sealed file of `size` bytes that nobody can shrink under a mapping: no SIGBUS. Not sealed against sealing: that the relay can
/// still add F_SEAL_WRITE, once nobody maps the file writable, is how it sees the death of a process.
static long sealed_file(size_t size) {
    struct rlimit limit;
    // ftruncate beyond the limit is SIGXFSZ, not an error.
    if (!is_error(otel_syscall4(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit)) && limit.rlim_cur < size) return -EFBIG;
    long file = memory_file();
    // The program has as many open as it may. These here are copies, and of no use to the helper.
    if (file == -EMFILE && !is_error(otel_syscall3(SYS_close_range, 3, ~0u, 0))) file = memory_file();
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
    size_t identity_length = is_error(kept) ? 0 : write_identity(request, region + request->identity_offset);
    if (identity_length == 0 && !is_error(kept)) kept = -E2BIG;
    if (is_error(kept)) {
        otel_syscall2(SYS_munmap, mapped, request->size);
        otel_syscall1(SYS_close, file);
        request->made = (int)kept;
        return 1;
    }
    for (size_t i = 0; i < sizeof request->words / sizeof *request->words; i++)
        *(uint64_t *)(region + request->words[i].offset) = request->words[i].value;
    *(uint64_t *)(region + request->identity_length_offset) = identity_length;
    __atomic_store_n((uint64_t *)(region + request->magic_offset), request->magic, __ATOMIC_RELEASE);
    request->region = region;
    request->made = 0;
    request->relay.region = (int)file;
    request->relay.tls_files = otel_tls_files_read(&request->tls_paths);
    request->relay.program = request->executable;
    request->relay.time = request->start_time;
    request->handed_over = otel_relay_find_or_start(&request->relay);
    if (request->handed_over == -ECANCELED) {
        request->region = NULL;
        request->made = -ECANCELED;
        otel_syscall2(SYS_munmap, mapped, request->size);
    }
    // The helper's descriptors end with it.
    return 0;
}

// MARK: In the host

bool otel_host_is_filtered;
uint64_t *otel_unforked_word;

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
    if (!is_error(otel_syscall3(SYS_madvise, page, size, MADV_WIPEONFORK_))) {
        otel_unforked_word = (uint64_t *)(page + (long)size) - 1;
        *otel_unforked_word = 1;
        return (void *)page;
    }
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
    // No steps for tests to make fail: the moment cannot be brought about, and nothing else could be done.
    long memory = otel_system_call(SYS_mmap, (long)region, (long)size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (!is_error(memory) && memory != (long)region) otel_system_call(SYS_munmap, memory, (long)size, 0, 0, 0, 0);
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
    if (length >= capacity || OTEL_FAULT("name of the host fits")) return false;
    memcpy(name, system.nodename, length + 1);
    keep_own_name(name);
    return true;
}

bool otel_random(uint64_t *words, size_t count) {
    long bytes = (long)(count * sizeof *words);
    return otel_syscall3(SYS_getrandom, words, bytes, GRND_NONBLOCK) == bytes;
}

bool otel_machine_is_off(void) {
    // ld.so has just made the same call, for /etc/ld.so.preload: no filter of system calls forbids it.
#if defined(SYS_access)
    return otel_syscall2(SYS_access, OTEL_MACHINE_SWITCH, 0) == 0;
#else
    return otel_syscall3(SYS_faccessat, AT_FDCWD, OTEL_MACHINE_SWITCH, 0) == 0;
#endif
}

bool otel_executable_path(char *path, size_t capacity) {
    long length = otel_syscall4(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, capacity - 1);
    if (length <= 0) return false;
    path[length] = 0;
    return true;
}
