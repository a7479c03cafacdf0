// What every wrapper of a libcurl function is made of. Its body is written once, and entered by many ways: each version node that the
// name is exported under, and, for dlsym, each library that it may be bound to. An entry says which way it is, and jumps, so that the
// body's return address is the host's. Twenty entries of 16 bytes are a third of what twenty C functions and their addresses take.
#pragma once
#include "curl_library.h"

/// Begins a body. `parameters`: those of the function (a variadic one: all of them. The System V and the AArch64 procedure call standards
/// pass both alike), and behind them `enum otel_curl_way way`; `arguments` and `more`: the same to be passed on, without and with the way.
/// Where but one library of that version was ever met, the body is not entered, whose frame costs more than that jump: while libcurl is not
/// traced, and by what that library calls itself, which it does four times in each curl_easy_perform.
#define OTEL_CURL_BODY(result, body, member, parameters, arguments, more)                                                                  \
    static __attribute__((noinline, used)) result hooked_##body parameters;                                                               \
    static __attribute__((noinline, used)) result body parameters {                                                                        \
        const struct otel_curl_library *only = __atomic_load_n(&otel_curl_only[way], __ATOMIC_RELAXED);                                    \
        if (only && only->member && (!otel_curl_hooks() || otel_curl_is_inside(only, __builtin_return_address(0))))                         \
            return only->member arguments;                                                                                                 \
        return hooked_##body more;                                                                                                         \
    }                                                                                                                                      \
    result hooked_##body parameters

#if defined(__x86_64__)
#define OTEL_CURL_ARGUMENT_0 "edi"
#define OTEL_CURL_ARGUMENT_1 "esi"
#define OTEL_CURL_ARGUMENT_2 "edx"
#define OTEL_CURL_ARGUMENT_3 "ecx"
#define OTEL_CURL_ARGUMENT_4 "r8d"
#define OTEL_CURL_ARGUMENT_5 "r9d"
#define OTEL_CURL_ENTRY(way, argument, body) "  movl $" way ", %" argument "\n  jmp " body "\n  .p2align 4\n"
#elif defined(__aarch64__)
#define OTEL_CURL_ARGUMENT_0 "w0"
#define OTEL_CURL_ARGUMENT_1 "w1"
#define OTEL_CURL_ARGUMENT_2 "w2"
#define OTEL_CURL_ARGUMENT_3 "w3"
#define OTEL_CURL_ARGUMENT_4 "w4"
#define OTEL_CURL_ARGUMENT_5 "w5"
#define OTEL_CURL_ENTRY(way, argument, body) "  mov " argument ", #" way "\n  b " body "\n  .p2align 4\n"
#endif
enum { OTEL_CURL_ENTRY_SIZE = 16 };
_Static_assert(OTEL_CURL_BOUND == 4 && OTEL_CURL_LIBRARIES == 16, "the entries below count to these");

#define OTEL_CURL_VERSION(name, node, way, argument, body)                                                                                 \
    "  .globl otel_" name "_" node "\n  .type otel_" name "_" node ", @function\n"                                                         \
    "  .symver otel_" name "_" node ", " name "@" node "\n"                                                                                \
    "otel_" name "_" node ":\n" OTEL_CURL_ENTRY(way, argument, body) "  .size otel_" name "_" node ", . - otel_" name "_" node "\n"

/// Defines the entries of `name`, which has so many parameters. No base version: with one, callers of an unknown node would bind to it.
#define OTEL_CURL_WRAPPER(name, parameters, body)                                                                                          \
    OTEL_CURL_ENTRIES(#name, OTEL_CURL_ARGUMENT_##parameters, #body)                                                                       \
    extern __attribute__((visibility("hidden"))) const char otel_##name##_bound[]
#define OTEL_CURL_ENTRIES(name, argument, body)                                                                                            \
    __asm__("  .pushsection .text.otel_" name ", \"ax\", @progbits\n  .p2align 4\n  .cfi_startproc\n"                                      \
            OTEL_CURL_VERSION(name, "OTELAGENT_ANY", "0", argument, body)                                                                  \
            OTEL_CURL_VERSION(name, "CURL_OPENSSL_4", "1", argument, body)                                                                 \
            OTEL_CURL_VERSION(name, "CURL_GNUTLS_3", "2", argument, body)                                                                  \
            OTEL_CURL_VERSION(name, "CURL_NSS_3", "3", argument, body)                                                                     \
            "  .globl otel_" name "_bound\n  .hidden otel_" name "_bound\n  .type otel_" name "_bound, @function\n"                        \
            "otel_" name "_bound:\n"                                                                                                       \
            "  .irp way, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19\n" OTEL_CURL_ENTRY("\\way", argument, "hooked_" body) "  .endr\n"  \
            "  .size otel_" name "_bound, . - otel_" name "_bound\n  .cfi_endproc\n  .popsection");

/// Where the call goes: the library that the handle was made by, when that was seen. For use in a body, whose caller it looks at.
#define OTEL_CURL_TARGET(table, handle, way) otel_curl_target(table, handle, way, __builtin_return_address(0))
static inline __attribute__((always_inline)) struct otel_curl_target otel_curl_target(
    const struct otel_hook_table *table, void *handle, enum otel_curl_way way, const void *caller) {
    const struct otel_curl_library *only = table ? otel_curl_only_of(way) : NULL;
    if (only) return (struct otel_curl_target){only, true};
    return otel_curl_target_of(table && handle ? table->curl_library(handle) : NULL, table, way, caller);
}

/// For a body whose call has no library: the real function, or null.
#define OTEL_CURL_UNLISTED(member, name, way)                                                                                              \
    ((__typeof__(((struct otel_curl_library *)0)->member))otel_curl_unlisted(#name, way, __builtin_return_address(0)))
