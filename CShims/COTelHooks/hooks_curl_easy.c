#include "curl_wrapper.h"

enum { CURLE_FAILED_INIT = 2 };

OTEL_CURL_BODY(void *, easy_init, init, (enum otel_curl_way way), (), (way)) {
    const struct otel_hook_table *table = otel_curl_hooks();
    struct otel_curl_target found = OTEL_CURL_TARGET(table, NULL, way);
    void *(*real)(void) = found.library ? found.library->init : OTEL_CURL_UNLISTED(init, curl_easy_init, way);
    void *handle = real ? real() : NULL;
    if (handle && found.is_traced) table->curl_opened(found.library, handle);
    return handle;
}
OTEL_CURL_WRAPPER(curl_easy_init, 0, easy_init);

OTEL_CURL_BODY(void *, easy_duphandle, duphandle, (void *source, enum otel_curl_way way), (source), (source, way)) {
    const struct otel_hook_table *table = otel_curl_hooks();
    struct otel_curl_target found = OTEL_CURL_TARGET(table, source, way);
    void *(*real)(void *) = found.library ? found.library->duphandle : OTEL_CURL_UNLISTED(duphandle, curl_easy_duphandle, way);
    void *handle = real ? real(source) : NULL;
    if (handle && found.is_traced) table->curl_copied(found.library, source, handle);
    return handle;
}
OTEL_CURL_WRAPPER(curl_easy_duphandle, 1, easy_duphandle);

OTEL_CURL_BODY(void, easy_reset, reset, (void *handle, enum otel_curl_way way), (handle), (handle, way)) {
    const struct otel_hook_table *table = otel_curl_hooks();
    struct otel_curl_target found = OTEL_CURL_TARGET(table, handle, way);
    void (*real)(void *) = found.library ? found.library->reset : OTEL_CURL_UNLISTED(reset, curl_easy_reset, way);
    if (handle && found.is_traced) {
        OTEL_AGENT(table->curl_reset(handle));
    }
    if (real) real(handle);
}
OTEL_CURL_WRAPPER(curl_easy_reset, 1, easy_reset);

OTEL_CURL_BODY(void, easy_cleanup, cleanup, (void *handle, enum otel_curl_way way), (handle), (handle, way)) {
    const struct otel_hook_table *table = otel_curl_hooks();
    struct otel_curl_target found = OTEL_CURL_TARGET(table, handle, way);
    void (*real)(void *) = found.library ? found.library->cleanup : OTEL_CURL_UNLISTED(cleanup, curl_easy_cleanup, way);
    if (handle && found.is_traced) {
        OTEL_AGENT(table->curl_closed(handle));
    }
    if (real) real(handle);
}
OTEL_CURL_WRAPPER(curl_easy_cleanup, 1, easy_cleanup);

/// Variadic with one argument: a long, a pointer, or a curl_off_t, which all are one register.
OTEL_CURL_BODY(int, easy_setopt, setopt, (void *handle, int option, uintptr_t value, enum otel_curl_way way), (handle, option, value), (handle, option, value, way)) {
    const struct otel_hook_table *table = otel_curl_hooks();
    struct otel_curl_target found = OTEL_CURL_TARGET(table, handle, way);
    int (*real)(void *, int, ...) = found.library ? found.library->setopt : OTEL_CURL_UNLISTED(setopt, curl_easy_setopt, way);
    int result = real ? real(handle, option, value) : CURLE_FAILED_INIT;
    if (result == OTEL_CURLE_OK && handle && table) table->curl_option(handle, option, value);
    return result;
}
OTEL_CURL_WRAPPER(curl_easy_setopt, 3, easy_setopt);

/// A frame of its own: unwinding it gives up the call that was entered, and one that was not entered must give up none.
static __attribute__((noinline)) int traced_perform(
    const struct otel_hook_table *table, struct otel_call *call, const struct otel_curl_library *library, void *handle) {
    OTEL_UNWINDABLE;
    int result = library->perform(handle);
    OTEL_AGENT(table->curl_perform_exit(call, library, handle, result));
    return result;
}

OTEL_CURL_BODY(int, easy_perform, perform, (void *handle, enum otel_curl_way way), (handle), (handle, way)) {
    const struct otel_hook_table *table = otel_curl_hooks();
    struct otel_curl_target found = OTEL_CURL_TARGET(table, handle, way);
    int (*real)(void *) = found.library ? found.library->perform : OTEL_CURL_UNLISTED(perform, curl_easy_perform, way);
    if (!real) return CURLE_FAILED_INIT;
    if (handle && found.is_traced) {
        struct otel_call call;
        call.state = 0;
        OTEL_AGENT(table->curl_perform_enter(&call, found.library, handle));
        if (call.state) return traced_perform(table, &call, found.library, handle);
    }
    return real(handle);
}
OTEL_CURL_WRAPPER(curl_easy_perform, 1, easy_perform);
