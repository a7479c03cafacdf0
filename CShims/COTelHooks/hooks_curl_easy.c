#include "curl_wrapper.h"

enum { CURLE_FAILED_INIT = 2 };

OTEL_CURL_BODY(void *, easy_init, init, curl_easy_init, (), (), NULL, OTEL_CURL_EASY_TARGET((void *)NULL)) {
    void *handle = library->init();
    if (handle) table->curl_opened(library, handle);
    return handle;
}
OTEL_CURL_WRAPPER(curl_easy_init, 0, easy_init);

OTEL_CURL_BODY(void *, easy_duphandle, duphandle, curl_easy_duphandle, (void *source), (source), NULL, OTEL_CURL_EASY_TARGET(source)) {
    void *handle = library->duphandle(source);
    if (handle) table->curl_copied(library, source, handle);
    return handle;
}
OTEL_CURL_WRAPPER(curl_easy_duphandle, 1, easy_duphandle);

OTEL_CURL_BODY(void, easy_reset, reset, curl_easy_reset, (void *handle), (handle), (void)0, OTEL_CURL_EASY_TARGET(handle)) {
    if (handle) OTEL_AGENT(table->curl_reset(handle));
    library->reset(handle);
}
OTEL_CURL_WRAPPER(curl_easy_reset, 1, easy_reset);

OTEL_CURL_BODY(void, easy_cleanup, cleanup, curl_easy_cleanup, (void *handle), (handle), (void)0, OTEL_CURL_EASY_TARGET(handle)) {
    if (handle) OTEL_AGENT(table->curl_closed(handle));
    library->cleanup(handle);
}
OTEL_CURL_WRAPPER(curl_easy_cleanup, 1, easy_cleanup);

/// Variadic with one argument: a long, a pointer, or a curl_off_t, which all are one register.
OTEL_CURL_BODY(int, easy_setopt, setopt, curl_easy_setopt, (void *handle, int option, uintptr_t value), (handle, option, value), CURLE_FAILED_INIT,
               OTEL_CURL_EASY_TARGET(handle)) {
    int result = library->setopt(handle, option, value);
    if (result == OTEL_CURLE_OK && handle) table->curl_option(handle, option, value);
    return result;
}
OTEL_CURL_WRAPPER(curl_easy_setopt, 3, easy_setopt);

/// A frame of its own: unwinding it gives up the call that was entered, and one that was not entered must give up none.
static __attribute__((noinline)) int entered_perform(
    const struct otel_hook_table *table, struct otel_call *call, const struct otel_curl_library *library, void *handle) {
    OTEL_UNWINDABLE;
    int result = library->perform(handle);
    OTEL_AGENT(table->curl_perform_exit(call, library, handle, result));
    return result;
}

OTEL_CURL_BODY(int, easy_perform, perform, curl_easy_perform, (void *handle), (handle), CURLE_FAILED_INIT, OTEL_CURL_EASY_TARGET(handle)) {
    if (!handle) return library->perform(handle);
    struct otel_call call;
    call.state = 0;
    OTEL_AGENT(table->curl_perform_enter(&call, library, handle));
    return call.state ? entered_perform(table, &call, library, handle) : library->perform(handle);
}
OTEL_CURL_WRAPPER(curl_easy_perform, 1, easy_perform);
