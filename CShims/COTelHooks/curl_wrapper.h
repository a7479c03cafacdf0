// What every wrapper of a libcurl function is made of. Its body is written once, and entered by many ways: each version node that the
// name is exported under, and, for dlsym, each library that it may be bound to. An entry says which way it is, and jumps, so that the
// body's return address is the host's. Twenty entries of 16 bytes are a third of what twenty C functions and their addresses take.
#pragma once
#include "curl_library.h"

/// Defines the body of the wrapper of `name`, `member` of otel_curl_library, and begins what is done for a traced call of it, which has its
/// parameters and behind them `table`, the hook table, and `library`, the one that the call is for.
/// `parameters`: those of the function (a variadic one: all of them. The System V and the AArch64 procedure call standards pass both alike);
/// `arguments`: their names; `failure`: what is returned when there is no such function; `find`: the otel_curl_target of a call by `way` from `caller`.
///
/// Where but one library of that version was ever met, the body knows all at one look, and has no frame, which would cost more than that:
/// while libcurl is not traced, and for what that library calls itself, which it does four times in each curl_easy_perform.
#define OTEL_CURL_BODY(result, body, member, name, parameters, arguments, failure, find)                                                   \
    static __attribute__((noinline)) result traced_##body(                                                                                \
        OTEL_CURL_LIST parameters const struct otel_hook_table *table, const struct otel_curl_library *library);                           \
    static __attribute__((noinline, used)) result hooked_##body(OTEL_CURL_LIST parameters enum otel_curl_way way) {                        \
        const void *caller = __builtin_return_address(0);                                                                                  \
        const struct otel_hook_table *table = otel_curl_hooks();                                                                           \
        struct otel_curl_target found = find;                                                                                              \
        if (!found.library || !found.library->member) {                                                                                    \
            __typeof__(found.library->member) real = (__typeof__(found.library->member))otel_curl_unlisted(#name, way, caller);            \
            return real ? real arguments : failure;                                                                                        \
        }                                                                                                                                  \
        return found.is_traced ? traced_##body(OTEL_CURL_LIST arguments table, found.library) : found.library->member arguments;           \
    }                                                                                                                                      \
    static __attribute__((noinline, used)) result body(OTEL_CURL_LIST parameters enum otel_curl_way way) {                                 \
        const struct otel_curl_library *only = __atomic_load_n(&otel_curl_only[way], __ATOMIC_RELAXED);                                    \
        if (!only || !only->member) return hooked_##body(OTEL_CURL_LIST arguments way);                                                    \
        const struct otel_hook_table *table = otel_curl_hooks();                                                                           \
        bool is_traced = table && !otel_curl_is_inside(only, __builtin_return_address(0));                                                 \
        return is_traced ? traced_##body(OTEL_CURL_LIST arguments table, only) : only->member arguments;                                   \
    }                                                                                                                                      \
    result traced_##body(OTEL_CURL_LIST parameters const struct otel_hook_table *table, const struct otel_curl_library *library)
#define OTEL_CURL_LIST(...) __VA_ARGS__ __VA_OPT__(, )

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

/// `find` of the functions of an easy handle: the library that `handle` was made by, when that was seen.
#define OTEL_CURL_EASY_TARGET(handle) otel_curl_target_of(table && (handle) ? table->curl_library(handle) : NULL, table, way, caller)
