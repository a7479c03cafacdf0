#include "curl_wrapper.h"

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

/// The library that `multi` is of: its own, when transfers were added to it, or else that of `handle`.
static __attribute__((noinline)) struct otel_curl_target target_among_several(
    const struct otel_hook_table *table, void *multi, void *handle, enum otel_curl_way way, const void *caller) {
    const struct otel_curl_library *known = table && multi ? table->curl_multi_library(multi) : NULL;
    if (!known && table && handle) known = table->curl_library(handle);
    if (!known && table) {
        // The multi handle inside of curl_easy_perform is not known. To look for its library would take ld.so's lock at each turn.
        int number = table->curl_current_library(__builtin_frame_address(0));
        const struct otel_curl_library *current = number < 0 ? NULL : otel_curl_library_number(number);
        if (otel_curl_is_inside(current, caller)) return (struct otel_curl_target){current, false};
    }
    return otel_curl_target_of(known, table, way, caller);
}
static inline __attribute__((always_inline)) struct otel_curl_target target_of(
    const struct otel_hook_table *table, void *multi, void *handle, enum otel_curl_way way, const void *caller) {
    const struct otel_curl_library *only = table ? otel_curl_only_of(way) : NULL;
    return only ? (struct otel_curl_target){only, true} : target_among_several(table, multi, handle, way, caller);
}
#define TARGET(table, multi, handle, way) target_of(table, multi, handle, way, __builtin_return_address(0))

/// The real function in `found`, or, in a build that lacks it, whatever has its name; then nothing is traced.
#define REAL(found, member, name, way)                                                                                                     \
    ((found).library && (found).library->member ? (found).library->member                                                                 \
                                                : ((found).is_traced = false, OTEL_CURL_UNLISTED(member, name, way)))

static inline bool has_multi(const struct otel_curl_library *library) {
    return library->multi_add && library->multi_remove && library->multi_info_read && library->multi_cleanup;
}

OTEL_CURL_BODY(int, multi_add_handle, multi_add, (void *multi, void *handle, enum otel_curl_way way), (multi, handle), (multi, handle, way)) {
    const struct otel_hook_table *table = otel_curl_hooks();
    struct otel_curl_target found = TARGET(table, multi, handle, way);
    int (*real)(void *, void *) = REAL(found, multi_add, curl_multi_add_handle, way);
    if (!real) return CURLM_INTERNAL_ERROR;
    if (!multi || !handle || !found.is_traced || !has_multi(found.library)) return real(multi, handle);
    struct otel_call call;
    call.state = 0;
    OTEL_AGENT(table->curl_multi_add_enter(&call, found.library, multi, handle));
    int result = real(multi, handle);
    if (call.state) {
        OTEL_AGENT(table->curl_multi_add_exit(&call, multi, handle, result));
    }
    return result;
}
OTEL_CURL_WRAPPER(curl_multi_add_handle, 2, multi_add_handle);

OTEL_CURL_BODY(int, multi_remove_handle, multi_remove, (void *multi, void *handle, enum otel_curl_way way), (multi, handle), (multi, handle, way)) {
    const struct otel_hook_table *table = otel_curl_hooks();
    struct otel_curl_target found = TARGET(table, multi, handle, way);
    int (*real)(void *, void *) = REAL(found, multi_remove, curl_multi_remove_handle, way);
    int result = real ? real(multi, handle) : CURLM_INTERNAL_ERROR;
    if (result == CURLM_OK && multi && handle && found.is_traced) {
        OTEL_AGENT(table->curl_multi_removed(multi, handle));
    }
    return result;
}
OTEL_CURL_WRAPPER(curl_multi_remove_handle, 2, multi_remove_handle);

OTEL_CURL_BODY(void *, multi_info_read, multi_info_read, (void *multi, int *queued, enum otel_curl_way way), (multi, queued), (multi, queued, way)) {
    const struct otel_hook_table *table = otel_curl_hooks();
    struct otel_curl_target found = TARGET(table, multi, NULL, way);
    void *(*real)(void *, int *) = REAL(found, multi_info_read, curl_multi_info_read, way);
    struct message *message = real ? real(multi, queued) : NULL;
    if (message && message->kind == CURLMSG_DONE && message->handle && found.is_traced) {
        OTEL_AGENT(table->curl_multi_done(multi, message->handle, message->data.result));
    }
    return message;
}
OTEL_CURL_WRAPPER(curl_multi_info_read, 2, multi_info_read);

OTEL_CURL_BODY(int, multi_cleanup, multi_cleanup, (void *multi, enum otel_curl_way way), (multi), (multi, way)) {
    const struct otel_hook_table *table = otel_curl_hooks();
    struct otel_curl_target found = TARGET(table, multi, NULL, way);
    int (*real)(void *) = REAL(found, multi_cleanup, curl_multi_cleanup, way);
    if (multi && found.is_traced) {
        OTEL_AGENT(table->curl_multi_closed(multi));
    }
    return real ? real(multi) : CURLM_INTERNAL_ERROR;
}
OTEL_CURL_WRAPPER(curl_multi_cleanup, 1, multi_cleanup);

// MARK: Calls that drive transfers

struct drive {
    enum { PERFORM, SOCKET_ACTION, SOCKET, SOCKET_ALL } kind;
    int socket, events;
    void *multi;
    int *running;
};

static void *real_of(const struct otel_curl_library *library, int kind) {
    switch (kind) {
    case PERFORM: return (void *)library->multi_perform;
    case SOCKET_ACTION: return (void *)library->multi_socket_action;
    case SOCKET: return (void *)library->multi_socket;
    default: return (void *)library->multi_socket_all;
    }
}

static const char *name_of(int kind) {
    switch (kind) {
    case PERFORM: return "curl_multi_perform";
    case SOCKET_ACTION: return "curl_multi_socket_action";
    case SOCKET: return "curl_multi_socket";
    default: return "curl_multi_socket_all";
    }
}

static int really_drive(void *real, const struct drive *drive) {
    switch (drive->kind) {
    case SOCKET_ACTION: return ((int (*)(void *, int, int, int *))real)(drive->multi, drive->socket, drive->events, drive->running);
    case SOCKET: return ((int (*)(void *, int, int *))real)(drive->multi, drive->socket, drive->running);
    default: return ((int (*)(void *, int *))real)(drive->multi, drive->running);
    }
}

/// A frame of its own: unwinding it gives up the call that was entered, and one that was not entered must give up none.
static __attribute__((noinline)) int traced_drive(
    const struct otel_hook_table *table, struct otel_call *call, void *real, const struct drive *drive) {
    OTEL_UNWINDABLE;
    int result = really_drive(real, drive);
    // CURLM_CALL_MULTI_PERFORM is -1; errors are above 0 and leave the number as it was.
    OTEL_AGENT(table->curl_multi_drive_exit(call, drive->multi, drive->running && result <= CURLM_OK ? *drive->running : -1));
    return result;
}

static __attribute__((noinline)) int drive(const struct drive *drive, enum otel_curl_way way, const void *caller) {
    const struct otel_hook_table *table = otel_curl_hooks();
    struct otel_curl_target found = target_of(table, drive->multi, NULL, way, caller);
    void *listed = found.library ? real_of(found.library, drive->kind) : NULL;
    void *real = listed ? listed : otel_curl_unlisted(name_of(drive->kind), way, caller);
    if (!real) return CURLM_INTERNAL_ERROR;
    if (listed && drive->multi && found.is_traced) {
        struct otel_call call;
        call.state = 0;
        OTEL_AGENT(table->curl_multi_drive_enter(&call, drive->multi));
        if (call.state) return traced_drive(table, &call, real, drive);
    }
    return really_drive(real, drive);
}
#define DRIVE(way, ...) drive(&(struct drive){__VA_ARGS__}, way, __builtin_return_address(0))

OTEL_CURL_BODY(int, multi_perform, multi_perform, (void *multi, int *running, enum otel_curl_way way), (multi, running), (multi, running, way)) {
    return DRIVE(way, .kind = PERFORM, .multi = multi, .running = running);
}
OTEL_CURL_WRAPPER(curl_multi_perform, 2, multi_perform);

OTEL_CURL_BODY(int, multi_socket_action, multi_socket_action, (void *multi, int socket, int events, int *running, enum otel_curl_way way), (multi, socket, events, running), (multi, socket, events, running, way)) {
    return DRIVE(way, SOCKET_ACTION, socket, events, multi, running);
}
OTEL_CURL_WRAPPER(curl_multi_socket_action, 4, multi_socket_action);

OTEL_CURL_BODY(int, multi_socket, multi_socket, (void *multi, int socket, int *running, enum otel_curl_way way), (multi, socket, running), (multi, socket, running, way)) {
    return DRIVE(way, SOCKET, socket, 0, multi, running);
}
OTEL_CURL_WRAPPER(curl_multi_socket, 3, multi_socket);

OTEL_CURL_BODY(int, multi_socket_all, multi_socket_all, (void *multi, int *running, enum otel_curl_way way), (multi, running), (multi, running, way)) {
    return DRIVE(way, .kind = SOCKET_ALL, .multi = multi, .running = running);
}
OTEL_CURL_WRAPPER(curl_multi_socket_all, 2, multi_socket_all);
