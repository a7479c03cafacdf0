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
static __attribute__((noinline)) struct otel_curl_target target_of(
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
#define MULTI_TARGET(multi, handle) target_of(table, multi, handle, way, caller)

static inline bool has_multi(const struct otel_curl_library *library) {
    return library->multi_add && library->multi_remove && library->multi_info_read && library->multi_cleanup;
}

OTEL_CURL_BODY(int, multi_add_handle, multi_add, curl_multi_add_handle, (void *multi, void *handle), (multi, handle), CURLM_INTERNAL_ERROR,
               MULTI_TARGET(multi, handle)) {
    if (!multi || !handle || !has_multi(library)) return library->multi_add(multi, handle);
    struct otel_call call;
    call.state = 0;
    OTEL_AGENT(table->curl_multi_add_enter(&call, library, multi, handle));
    int result = library->multi_add(multi, handle);
    if (result != CURLM_OK && call.state) OTEL_AGENT(table->curl_multi_add_failed(&call, multi, handle));
    return result;
}
OTEL_CURL_WRAPPER(curl_multi_add_handle, 2, multi_add_handle);

OTEL_CURL_BODY(int, multi_remove_handle, multi_remove, curl_multi_remove_handle, (void *multi, void *handle), (multi, handle), CURLM_INTERNAL_ERROR,
               MULTI_TARGET(multi, handle)) {
    int result = library->multi_remove(multi, handle);
    if (result == CURLM_OK && handle) OTEL_AGENT(table->curl_multi_removed(multi, handle));
    return result;
}
OTEL_CURL_WRAPPER(curl_multi_remove_handle, 2, multi_remove_handle);

OTEL_CURL_BODY(void *, multi_info_read, multi_info_read, curl_multi_info_read, (void *multi, int *queued), (multi, queued), NULL, MULTI_TARGET(multi, NULL)) {
    struct message *message = library->multi_info_read(multi, queued);
    if (message && message->kind == CURLMSG_DONE && message->handle) OTEL_AGENT(table->curl_multi_done(multi, message->handle, message->data.result));
    return message;
}
OTEL_CURL_WRAPPER(curl_multi_info_read, 2, multi_info_read);

OTEL_CURL_BODY(int, multi_cleanup, multi_cleanup, curl_multi_cleanup, (void *multi), (multi), CURLM_INTERNAL_ERROR, MULTI_TARGET(multi, NULL)) {
    if (multi) OTEL_AGENT(table->curl_multi_closed(multi));
    return library->multi_cleanup(multi);
}
OTEL_CURL_WRAPPER(curl_multi_cleanup, 1, multi_cleanup);

// MARK: Calls that drive transfers

struct drive {
    enum { PERFORM, SOCKET_ACTION, SOCKET, SOCKET_ALL } kind;
    int socket, events;
    void *multi;
    int *running;
};

static int really_drive(const struct otel_curl_library *library, const struct drive *drive) {
    switch (drive->kind) {
    case PERFORM: return library->multi_perform(drive->multi, drive->running);
    case SOCKET_ACTION: return library->multi_socket_action(drive->multi, drive->socket, drive->events, drive->running);
    case SOCKET: return library->multi_socket(drive->multi, drive->socket, drive->running);
    default: return library->multi_socket_all(drive->multi, drive->running);
    }
}

/// A frame of its own: unwinding it gives up the call that was entered, and one that was not entered must give up none.
static __attribute__((noinline)) int entered_drive(
    const struct otel_hook_table *table, struct otel_call *call, const struct otel_curl_library *library, const struct drive *drive) {
    OTEL_UNWINDABLE;
    int result = really_drive(library, drive);
    // CURLM_CALL_MULTI_PERFORM is -1; errors are above 0 and leave the number as it was.
    OTEL_AGENT(table->curl_multi_drive_exit(call, drive->multi, drive->running && result <= CURLM_OK ? *drive->running : -1));
    return result;
}

static __attribute__((noinline)) int drive(
    const struct otel_hook_table *table, const struct otel_curl_library *library, const struct drive *drive) {
    struct otel_call call;
    call.state = 0;
    if (drive->multi) OTEL_AGENT(table->curl_multi_drive_enter(&call, drive->multi));
    return call.state ? entered_drive(table, &call, library, drive) : really_drive(library, drive);
}
#define DRIVE(...) drive(table, library, &(struct drive){__VA_ARGS__})

OTEL_CURL_BODY(int, multi_perform, multi_perform, curl_multi_perform, (void *multi, int *running), (multi, running), CURLM_INTERNAL_ERROR, MULTI_TARGET(multi, NULL)) {
    return DRIVE(.kind = PERFORM, .multi = multi, .running = running);
}
OTEL_CURL_WRAPPER(curl_multi_perform, 2, multi_perform);

OTEL_CURL_BODY(int, multi_socket_action, multi_socket_action, curl_multi_socket_action, (void *multi, int socket, int events, int *running),
               (multi, socket, events, running), CURLM_INTERNAL_ERROR, MULTI_TARGET(multi, NULL)) {
    return DRIVE(SOCKET_ACTION, socket, events, multi, running);
}
OTEL_CURL_WRAPPER(curl_multi_socket_action, 4, multi_socket_action);

OTEL_CURL_BODY(int, multi_socket, multi_socket, curl_multi_socket, (void *multi, int socket, int *running), (multi, socket, running), CURLM_INTERNAL_ERROR,
               MULTI_TARGET(multi, NULL)) {
    return DRIVE(SOCKET, socket, 0, multi, running);
}
OTEL_CURL_WRAPPER(curl_multi_socket, 3, multi_socket);

OTEL_CURL_BODY(int, multi_socket_all, multi_socket_all, curl_multi_socket_all, (void *multi, int *running), (multi, running), CURLM_INTERNAL_ERROR,
               MULTI_TARGET(multi, NULL)) {
    return DRIVE(.kind = SOCKET_ALL, .multi = multi, .running = running);
}
OTEL_CURL_WRAPPER(curl_multi_socket_all, 2, multi_socket_all);
