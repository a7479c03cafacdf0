#include "curl_library.h"
#include <sys/syscall.h>

_Atomic(const struct otel_hook_table *) otel_hook_installed;

void otel_hooks_install(const struct otel_hook_table *table) {
    __atomic_store_n((const struct otel_hook_table **)&otel_hook_installed, table, __ATOMIC_RELEASE);
}

// MARK: Before the constructor: another object's may call us first

static long with_errno(long result) {
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}
static int early_connect(int descriptor, const struct sockaddr *address, socklen_t length) {
    return (int)with_errno(otel_syscall3(SYS_connect, descriptor, address, length));
}
static int early_socket(int domain, int type, int protocol) { return (int)with_errno(otel_syscall3(SYS_socket, domain, type, protocol)); }
static int early_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    return (int)with_errno(otel_syscall5(SYS_prctl, option, a, b, c, d));
}
static long early_syscall(long number, long a, long b, long c, long d, long e, long f) {
    return with_errno(otel_syscall6(number, a, b, c, d, e, f));
}

/// For a glibc before 2.34, whose dlsym is libdl's, also later: that may be loaded at any time.
static void *early_dlsym(void *handle, const char *name) {
    void *(*real)(void *, const char *) = (void *(*)(void *, const char *))otel_elf_next("dlsym");
    if (!real) return NULL;
    __atomic_store_n(&otel_real.dlsym, real, __ATOMIC_RELAXED);
    __attribute__((musttail)) return real(handle, name);
}

/// Not by the system call: the child's libc has to know that it is one.
static int early_fork_by(const char *name, int (**resolved)(void)) {
    int (*real)(void) = (int (*)(void))otel_elf_next(name);
    if (!real) {
        errno = ENOSYS;
        return -1;
    }
    __atomic_store_n(resolved, real, __ATOMIC_RELAXED);
    return real();
}
static int early_fork(void) { return early_fork_by("fork", &otel_real.fork); }
static int early_plain_fork(void) { return early_fork_by("_Fork", &otel_real.plain_fork); }

struct otel_real otel_real = {early_connect, early_socket, early_prctl, early_syscall, early_dlsym, early_fork, early_plain_fork};

static void resolve(void **real, const char *name) {
    void *found = otel_elf_next(name);
    if (found) *real = found;
}

// MARK: Unwinding

enum { UA_CLEANUP_PHASE = 2, URC_CONTINUE_UNWIND = 8 };

/// _Unwind_Personality_Fn of every wrapper marked OTEL_UNWINDABLE (Itanium C++ ABI: Exception Handling, 1.6).
__attribute__((visibility("hidden"), used)) int otel_hook_personality(int version, int actions, uint64_t kind, void *exception, void *context) {
    const struct otel_hook_table *table = otel_hooks();
    if ((actions & UA_CLEANUP_PHASE) && table) table->unwound();
    return URC_CONTINUE_UNWIND;
}

// MARK: Start and end

/// Defined in Swift (OTelAgent).
extern void otel_agent_start(int count, char **arguments, char **environment);

/// Whether these are main's arguments, as glibc passes them to constructors: the environment lies behind them. musl, into whose programs
/// we come when a traced one executes them, passes nothing, and what is in the registers must not be followed.
static bool are_arguments_of_main(int count, char **arguments, char **environment) {
    return arguments && count >= 0 && environment == arguments + count + 1;
}

__attribute__((constructor(101))) static void start(int count, char **arguments, char **environment) {
    int saved = errno;
    resolve((void **)&otel_real.connect, "connect");
    resolve((void **)&otel_real.socket, "socket");
    resolve((void **)&otel_real.prctl, "prctl");
    resolve((void **)&otel_real.syscall, "syscall");
    resolve((void **)&otel_real.dlsym, "dlsym");
    resolve((void **)&otel_real.fork, "fork");
    resolve((void **)&otel_real.plain_fork, "_Fork");
    // A second copy, from another path, stays a pass-through: the first is the one that programs are bound to.
    if (are_arguments_of_main(count, arguments, environment) && otel_elf_is_first_agent()) {
        otel_curl_find_loaded();
        otel_agent_start(count, arguments, environment);
    }
    errno = saved;
}

__attribute__((destructor(101))) static void end(void) {
    const struct otel_hook_table *table = otel_hooks();
    if (!table) return;
    OTEL_AGENT(table->ending());
}
