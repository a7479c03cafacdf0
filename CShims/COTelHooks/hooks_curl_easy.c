#include "curl_library.h"
#include <stdarg.h>

// Each function once, with the node it was entered by; the exported names at the end are its versions.
enum { CURLE_FAILED_INIT = 2 };

/// The library of `handle`: the one it was made by, when that was seen.
static inline __attribute__((always_inline)) struct otel_curl_resolution library_for(
    const struct otel_hook_table *table, void *handle, enum otel_curl_node node, const void *caller) {
    const struct otel_curl_library *known = table && handle ? table->curl_library(handle) : NULL;
    if (known) return (struct otel_curl_resolution){known, true};
    struct otel_curl_resolution found = otel_curl_resolve(node, caller);
    if (table && !found.is_certain) table->curl_unresolved();
    return found;
}

static __attribute__((noinline)) void *easy_init(enum otel_curl_node node, const void *caller) {
    OTEL_UNWINDABLE;
    const struct otel_hook_table *table = otel_hooks();
    struct otel_curl_resolution found = library_for(table, NULL, node, caller);
    if (!found.library) return NULL;
    void *handle = found.library->init();
    if (handle && table && found.is_certain) table->curl_opened(found.library, handle);
    return handle;
}

static void *easy_duphandle(enum otel_curl_node node, const void *caller, void *source) {
    const struct otel_hook_table *table = otel_hooks();
    struct otel_curl_resolution found = library_for(table, source, node, caller);
    if (!found.library) return NULL;
    void *handle = found.library->duphandle(source);
    if (handle && table && found.is_certain) table->curl_copied(found.library, source, handle);
    return handle;
}

static void easy_reset(enum otel_curl_node node, const void *caller, void *handle) {
    const struct otel_hook_table *table = otel_hooks();
    struct otel_curl_resolution found = library_for(table, handle, node, caller);
    if (!found.library) return;
    if (handle && table) {
        int before = errno;
        table->curl_reset(handle);
        errno = before;
    }
    found.library->reset(handle);
}

static __attribute__((noinline)) void easy_cleanup(enum otel_curl_node node, const void *caller, void *handle) {
    OTEL_UNWINDABLE;
    const struct otel_hook_table *table = otel_hooks();
    struct otel_curl_resolution found = library_for(table, handle, node, caller);
    if (!found.library) return;
    if (handle && table) {
        int before = errno;
        table->curl_closed(handle);
        errno = before;
    }
    found.library->cleanup(handle);
}

/// `curl_easy_setopt` is variadic with one argument, whose type the option's number tells (CURLOPTTYPE_* in <curl/curl.h>). It is
/// read and passed on as exactly that type.
static int easy_setopt(enum otel_curl_node node, const void *caller, void *handle, int option, va_list arguments) {
    const struct otel_hook_table *table = otel_hooks();
    struct otel_curl_resolution found = library_for(table, handle, node, caller);
    if (!found.library) return CURLE_FAILED_INIT;
    int (*real)(void *, int, ...) = found.library->setopt;
    int result;
    uintptr_t value;
    switch (option / 10000) {
    case 0: { // CURLOPTTYPE_LONG
        long number = va_arg(arguments, long);
        value = (uintptr_t)number;
        result = real(handle, option, number);
        break;
    }
    case 2: { // CURLOPTTYPE_FUNCTIONPOINT
        void (*function)(void) = va_arg(arguments, void (*)(void));
        value = (uintptr_t)function;
        result = real(handle, option, function);
        break;
    }
    case 3: { // CURLOPTTYPE_OFF_T: curl_off_t is 64 bits wide everywhere
        int64_t offset = va_arg(arguments, int64_t);
        value = (uintptr_t)offset;
        result = real(handle, option, offset);
        break;
    }
    default: { // CURLOPTTYPE_OBJECTPOINT and CURLOPTTYPE_BLOB
        void *object = va_arg(arguments, void *);
        value = (uintptr_t)object;
        result = real(handle, option, object);
        break;
    }
    }
    if (result == OTEL_CURLE_OK && handle && table) table->curl_option(handle, option, value);
    return result;
}

static __attribute__((noinline)) int easy_perform(enum otel_curl_node node, const void *caller, void *handle) {
    OTEL_UNWINDABLE;
    const struct otel_hook_table *table = otel_hooks();
    struct otel_curl_resolution found = library_for(table, handle, node, caller);
    if (!found.library) return CURLE_FAILED_INIT;
    if (!table || !handle || !found.is_certain) return found.library->perform(handle);
    struct otel_call call;
    call.state = 0;
    int before = errno;
    table->curl_perform_enter(&call, found.library, handle);
    errno = before;
    int result = found.library->perform(handle);
    if (call.state) {
        int after = errno;
        table->curl_perform_exit(&call, found.library, handle, result);
        errno = after;
    }
    return result;
}

// MARK: The versions of each name. No base version: with one, callers of an unknown node would bind to it.

#define VERSIONS(define)                                                                                                                   \
    define(any, OTELAGENT_ANY, OTEL_CURL_ANY) define(openssl, CURL_OPENSSL_4, OTEL_CURL_OPENSSL)                                            \
        define(gnutls, CURL_GNUTLS_3, OTEL_CURL_GNUTLS) define(nss, CURL_NSS_3, OTEL_CURL_NSS)
#define NAMED(function, suffix, version) __asm__(".symver otel_" #function "_" #suffix "," #function "@" #version);
#define CALLER __builtin_return_address(0)

#define INIT(suffix, version, node)                                                                                                        \
    OTEL_EXPORT void *otel_curl_easy_init_##suffix(void) { return easy_init(node, CALLER); }                                                \
    NAMED(curl_easy_init, suffix, version)
#define DUPHANDLE(suffix, version, node)                                                                                                   \
    OTEL_EXPORT void *otel_curl_easy_duphandle_##suffix(void *source) { return easy_duphandle(node, CALLER, source); }                       \
    NAMED(curl_easy_duphandle, suffix, version)
#define RESET(suffix, version, node)                                                                                                       \
    OTEL_EXPORT void otel_curl_easy_reset_##suffix(void *handle) { easy_reset(node, CALLER, handle); }                                      \
    NAMED(curl_easy_reset, suffix, version)
#define CLEANUP(suffix, version, node)                                                                                                     \
    OTEL_EXPORT void otel_curl_easy_cleanup_##suffix(void *handle) { easy_cleanup(node, CALLER, handle); }                                  \
    NAMED(curl_easy_cleanup, suffix, version)
#define PERFORM(suffix, version, node)                                                                                                     \
    OTEL_EXPORT int otel_curl_easy_perform_##suffix(void *handle) { return easy_perform(node, CALLER, handle); }                            \
    NAMED(curl_easy_perform, suffix, version)
#define SETOPT(suffix, version, node)                                                                                                      \
    OTEL_EXPORT int otel_curl_easy_setopt_##suffix(void *handle, int option, ...) {                                                         \
        va_list arguments;                                                                                                                 \
        va_start(arguments, option);                                                                                                       \
        int result = easy_setopt(node, CALLER, handle, option, arguments);                                                                 \
        va_end(arguments);                                                                                                                 \
        return result;                                                                                                                     \
    }                                                                                                                                      \
    NAMED(curl_easy_setopt, suffix, version)

VERSIONS(INIT)
VERSIONS(DUPHANDLE)
VERSIONS(RESET)
VERSIONS(CLEANUP)
VERSIONS(SETOPT)
VERSIONS(PERFORM)
