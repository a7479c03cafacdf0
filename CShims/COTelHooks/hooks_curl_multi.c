#include "curl_library.h"

// The multi interface. What libcurl calls on its own account is passed through: curl_easy_perform has a multi handle inside, and reaches
// these functions by the same names (in all of Debian's flavours).
enum { CURLM_OK = 0, CURLM_INTERNAL_ERROR = 4, CURLMSG_DONE = 1 };

/// struct CURLMsg of <curl/multi.h>.
struct message {
    int kind;
    void *handle;
    union {
        void *whatever;
        int result;
    } data;
};

static inline bool has_multi(const struct otel_curl_library *library) {
    return library->multi_add && library->multi_remove && library->multi_info_read && library->multi_cleanup;
}

/// The library that `multi` is of: its own, when transfers were added to it, or else that of `handle`.
static inline __attribute__((always_inline)) struct otel_curl_resolution library_for(
    const struct otel_hook_table *table, void *multi, void *handle, enum otel_curl_node node, const void *caller) {
    const struct otel_curl_library *known = otel_curl_around(caller);
    if (known) return (struct otel_curl_resolution){known, false};
    if (table && multi) known = table->curl_multi_library(multi);
    if (!known && table && handle) known = table->curl_library(handle);
    if (known) return (struct otel_curl_resolution){known, true};
    struct otel_curl_resolution found = otel_curl_resolve(node, caller);
    if (table && !found.is_certain) table->curl_unresolved();
    return found;
}

static __attribute__((noinline)) int multi_add_handle(enum otel_curl_node node, const void *caller, void *multi, void *handle) {
    const struct otel_hook_table *table = otel_hooks();
    struct otel_curl_resolution found = library_for(table, multi, handle, node, caller);
    if (!found.library || !found.library->multi_add) return CURLM_INTERNAL_ERROR;
    if (!table || !multi || !handle || !found.is_certain || !has_multi(found.library)) return found.library->multi_add(multi, handle);
    struct otel_call call;
    call.state = 0;
    int before = errno;
    table->curl_multi_add_enter(&call, found.library, multi, handle);
    errno = before;
    int result = found.library->multi_add(multi, handle);
    if (call.state) {
        int after = errno;
        table->curl_multi_add_exit(&call, multi, handle, result);
        errno = after;
    }
    return result;
}

static __attribute__((noinline)) int multi_remove_handle(enum otel_curl_node node, const void *caller, void *multi, void *handle) {
    const struct otel_hook_table *table = otel_hooks();
    struct otel_curl_resolution found = library_for(table, multi, handle, node, caller);
    if (!found.library || !found.library->multi_remove) return CURLM_INTERNAL_ERROR;
    int result = found.library->multi_remove(multi, handle);
    if (result == CURLM_OK && table && multi && handle && found.is_certain) {
        int after = errno;
        table->curl_multi_removed(multi, handle);
        errno = after;
    }
    return result;
}

static __attribute__((noinline)) void *multi_info_read(enum otel_curl_node node, const void *caller, void *multi, int *queued) {
    const struct otel_hook_table *table = otel_hooks();
    struct otel_curl_resolution found = library_for(table, multi, NULL, node, caller);
    if (!found.library || !found.library->multi_info_read) return NULL;
    struct message *message = found.library->multi_info_read(multi, queued);
    if (message && message->kind == CURLMSG_DONE && message->handle && table && found.is_certain) {
        int after = errno;
        table->curl_multi_done(multi, message->handle, message->data.result);
        errno = after;
    }
    return message;
}

static __attribute__((noinline)) int multi_cleanup(enum otel_curl_node node, const void *caller, void *multi) {
    const struct otel_hook_table *table = otel_hooks();
    struct otel_curl_resolution found = library_for(table, multi, NULL, node, caller);
    if (!found.library || !found.library->multi_cleanup) return CURLM_INTERNAL_ERROR;
    if (table && multi && found.is_certain) {
        int before = errno;
        table->curl_multi_closed(multi);
        errno = before;
    }
    return found.library->multi_cleanup(multi);
}

// MARK: Calls that drive transfers

struct drive {
    enum { PERFORM, SOCKET_ACTION, SOCKET, SOCKET_ALL } kind;
    int socket, events;
    void *multi;
    int *running;
};

static int really_drive(const struct otel_curl_library *library, const struct drive *drive) {
    switch (drive->kind) {
    case PERFORM: return library->multi_perform ? library->multi_perform(drive->multi, drive->running) : CURLM_INTERNAL_ERROR;
    case SOCKET_ACTION:
        if (!library->multi_socket_action) return CURLM_INTERNAL_ERROR;
        return library->multi_socket_action(drive->multi, drive->socket, drive->events, drive->running);
    case SOCKET: return library->multi_socket ? library->multi_socket(drive->multi, drive->socket, drive->running) : CURLM_INTERNAL_ERROR;
    default: return library->multi_socket_all ? library->multi_socket_all(drive->multi, drive->running) : CURLM_INTERNAL_ERROR;
    }
}

/// A frame of its own: unwinding it gives up the call that was entered, and one that was not entered must give up none.
static __attribute__((noinline)) int traced_drive(
    const struct otel_hook_table *table, struct otel_call *call, const struct otel_curl_library *library, const struct drive *drive) {
    OTEL_UNWINDABLE;
    int result = really_drive(library, drive);
    int after = errno;
    // CURLM_CALL_MULTI_PERFORM is -1; errors are above 0 and leave the number as it was.
    table->curl_multi_drive_exit(call, drive->multi, drive->running && result <= CURLM_OK ? *drive->running : -1);
    errno = after;
    return result;
}

static __attribute__((noinline)) int multi_drive(enum otel_curl_node node, const void *caller, const struct drive *drive) {
    const struct otel_hook_table *table = otel_hooks();
    struct otel_curl_resolution found = library_for(table, drive->multi, NULL, node, caller);
    if (!found.library) return CURLM_INTERNAL_ERROR;
    if (table && drive->multi && found.is_certain) {
        struct otel_call call;
        call.state = 0;
        int before = errno;
        table->curl_multi_drive_enter(&call, drive->multi);
        errno = before;
        if (call.state) return traced_drive(table, &call, found.library, drive);
    }
    return really_drive(found.library, drive);
}

// MARK: The versions of each name. No base version: with one, callers of an unknown node would bind to it.

#define VERSIONS(define)                                                                                                                   \
    define(any, OTELAGENT_ANY, OTEL_CURL_ANY) define(openssl, CURL_OPENSSL_4, OTEL_CURL_OPENSSL)                                            \
        define(gnutls, CURL_GNUTLS_3, OTEL_CURL_GNUTLS) define(nss, CURL_NSS_3, OTEL_CURL_NSS)
#define NAMED(function, suffix, version) __asm__(".symver otel_" #function "_" #suffix "," #function "@" #version);
#define CALLER __builtin_return_address(0)

#define ADD(suffix, version, node)                                                                                                         \
    OTEL_EXPORT int otel_curl_multi_add_handle_##suffix(void *multi, void *handle) { return multi_add_handle(node, CALLER, multi, handle); } \
    NAMED(curl_multi_add_handle, suffix, version)
#define REMOVE(suffix, version, node)                                                                                                      \
    OTEL_EXPORT int otel_curl_multi_remove_handle_##suffix(void *multi, void *handle) {                                                     \
        return multi_remove_handle(node, CALLER, multi, handle);                                                                           \
    }                                                                                                                                      \
    NAMED(curl_multi_remove_handle, suffix, version)
#define INFO_READ(suffix, version, node)                                                                                                   \
    OTEL_EXPORT void *otel_curl_multi_info_read_##suffix(void *multi, int *queued) { return multi_info_read(node, CALLER, multi, queued); } \
    NAMED(curl_multi_info_read, suffix, version)
#define CLEANUP(suffix, version, node)                                                                                                     \
    OTEL_EXPORT int otel_curl_multi_cleanup_##suffix(void *multi) { return multi_cleanup(node, CALLER, multi); }                            \
    NAMED(curl_multi_cleanup, suffix, version)
#define PERFORMS(suffix, version, node)                                                                                                    \
    OTEL_EXPORT int otel_curl_multi_perform_##suffix(void *multi, int *running) {                                                           \
        struct drive drive = {.kind = PERFORM, .multi = multi, .running = running};                                                        \
        return multi_drive(node, CALLER, &drive);                                                                                          \
    }                                                                                                                                      \
    NAMED(curl_multi_perform, suffix, version)
#define ACTION(suffix, version, node)                                                                                                      \
    OTEL_EXPORT int otel_curl_multi_socket_action_##suffix(void *multi, int socket, int events, int *running) {                             \
        struct drive drive = {SOCKET_ACTION, socket, events, multi, running};                                                              \
        return multi_drive(node, CALLER, &drive);                                                                                          \
    }                                                                                                                                      \
    NAMED(curl_multi_socket_action, suffix, version)
#define SOCKETS(suffix, version, node)                                                                                                     \
    OTEL_EXPORT int otel_curl_multi_socket_##suffix(void *multi, int socket, int *running) {                                                \
        struct drive drive = {SOCKET, socket, 0, multi, running};                                                                          \
        return multi_drive(node, CALLER, &drive);                                                                                          \
    }                                                                                                                                      \
    NAMED(curl_multi_socket, suffix, version)
#define ALL_SOCKETS(suffix, version, node)                                                                                                 \
    OTEL_EXPORT int otel_curl_multi_socket_all_##suffix(void *multi, int *running) {                                                        \
        struct drive drive = {.kind = SOCKET_ALL, .multi = multi, .running = running};                                                     \
        return multi_drive(node, CALLER, &drive);                                                                                          \
    }                                                                                                                                      \
    NAMED(curl_multi_socket_all, suffix, version)

VERSIONS(ADD)
VERSIONS(REMOVE)
VERSIONS(INFO_READ)
VERSIONS(CLEANUP)
VERSIONS(PERFORMS)
VERSIONS(ACTION)
VERSIONS(SOCKETS)
VERSIONS(ALL_SOCKETS)
