// Zeroed memory of fixed size for the in-host Swift code: no allocation, no lazy initialisation (which is a lock, and in a child
// forked in the middle of it a hang). Pages that are not used cost nothing.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum {
    OTEL_TRACER_STORAGE = 1024,
    OTEL_ENVIRONMENT_STORAGE = 32 * 1024,
    OTEL_EXECUTABLE_STORAGE = 4096,
    OTEL_RELAY_VARIABLES = 64,
    OTEL_CURL_STORAGE = 2 * 1024 * 1024,
};

/// OTelSDK's options and the pointer to the process's state.
void *otel_tracer_storage(void);
/// The copy of the environment: OTEL_* first, then what the relay gets. The originals may be overwritten (setproctitle) or freed.
char *otel_environment_storage(void);
/// Target of /proc/self/exe.
char *otel_executable_storage(void);
/// The relay's environment, NULL-terminated.
char *_Nullable *_Nonnull otel_relay_variables(void);
/// InstrumentationCurl's table of handles.
void *otel_curl_storage(void);

#pragma clang assume_nonnull end
