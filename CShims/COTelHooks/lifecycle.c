#include "curl_library.h"
#include <sys/auxv.h>

_Atomic(const struct otel_hook_table *) otel_hook_installed;
_Atomic(const struct otel_hook_table *) otel_curl_hook_installed;
bool otel_has_started;

void otel_hooks_install(const struct otel_hook_table *table) {
    __atomic_store_n((const struct otel_hook_table **)&otel_hook_installed, table, __ATOMIC_RELEASE);
    __atomic_store_n((const struct otel_hook_table **)&otel_curl_hook_installed, table && table->traces_curl ? table : NULL, __ATOMIC_RELEASE);
}

/// Finds the members of otel_real, in their order.
static void resolve(void) {
    struct otel_wanted wanted[] = {
#define WANT(member, name, result, parameters) {name, NULL},
        OTEL_REAL(WANT)};
    enum { COUNT = sizeof otel_real / sizeof(void *) };
    otel_elf_next_all(wanted, COUNT);
    for (int i = 0; i < COUNT; i++)
        if (wanted[i].address && !OTEL_FAULT("a function of libc is found")) ((void **)&otel_real)[i] = wanted[i].address;
}

// MARK: Unwinding

enum { UA_CLEANUP_PHASE = 2, URC_CONTINUE_UNWIND = 8 };

/// _Unwind_Personality_Fn of every wrapper marked OTEL_UNWINDABLE (Itanium C++ ABI: Exception Handling, 1.6).
__attribute__((visibility("hidden"), used)) int otel_hook_personality(int version, int actions, uint64_t kind, void *exception, void *context) {
    const struct otel_hook_table *table = otel_hooks();
    if ((actions & UA_CLEANUP_PHASE) && table) table->unwound(__builtin_frame_address(0));
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
    resolve();
    // A second copy, from another path, stays a pass-through: the first is the one that programs are bound to.
    if (are_arguments_of_main(count, arguments, environment) && otel_elf_is_first_agent()) {
        otel_stack_find(arguments);
        otel_valgrind_ignore_races(otel_socket_hints, OTEL_SOCKET_HINTS);
        otel_curl_find_loaded();
        otel_agent_start(count, arguments, environment);
        otel_curl_is_withdrawing = !otel_curl_hooks() && getauxval(AT_SECURE) == 0;
    }
    otel_has_started = true;
    errno = saved;
}

__attribute__((destructor(101))) static void end(void) {
    const struct otel_hook_table *table = otel_hooks();
    if (!table) return;
    OTEL_AGENT(table->ending());
}
