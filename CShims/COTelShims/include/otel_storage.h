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
    OTEL_RESOURCE_STORAGE = 4096,
    OTEL_PROPAGATION_STORAGE = 27 * 1024, // tracestate: 512, baggage: 8,192 bytes, and that twice more with a line for each member
    OTEL_SETTINGS_STORAGE = 512,
    OTEL_PATTERN_STORAGE = 4096, ///< PatternSet.size
    OTEL_PATTERN_SETS = 4,
};

// Hidden, so that an address is one instruction and not a look-up.
#define OTEL_STORAGE __attribute__((visibility("hidden")))
extern OTEL_STORAGE char otel_tracer_bytes[OTEL_TRACER_STORAGE];
extern OTEL_STORAGE char otel_environment_bytes[OTEL_ENVIRONMENT_STORAGE];
extern OTEL_STORAGE char otel_executable_bytes[OTEL_EXECUTABLE_STORAGE];
extern OTEL_STORAGE char *_Nullable otel_relay_variable_pointers[OTEL_RELAY_VARIABLES + 1];
extern OTEL_STORAGE char otel_curl_bytes[OTEL_CURL_STORAGE];
extern OTEL_STORAGE char otel_resource_bytes[OTEL_RESOURCE_STORAGE];
extern OTEL_STORAGE char otel_propagation_bytes[OTEL_PROPAGATION_STORAGE];
extern OTEL_STORAGE char otel_settings_bytes[OTEL_SETTINGS_STORAGE];
extern OTEL_STORAGE char otel_pattern_bytes[OTEL_PATTERN_SETS][OTEL_PATTERN_STORAGE];

/// OTelSDK's options and the pointer to the process's state.
static inline void *otel_tracer_storage(void) { return otel_tracer_bytes; }
/// The copy of the environment: OTEL_* first, then what the relay gets. The originals may be overwritten (setproctitle) or freed.
static inline char *otel_environment_storage(void) { return otel_environment_bytes; }
/// Target of /proc/self/exe.
static inline char *otel_executable_storage(void) { return otel_executable_bytes; }
/// The relay's environment, NULL-terminated.
static inline char *_Nullable *_Nonnull otel_relay_variables(void) { return otel_relay_variable_pointers; }
/// InstrumentationCurl's table of handles.
static inline void *otel_curl_storage(void) { return otel_curl_bytes; }
/// The resource's attributes, for the exporter console.
static inline void *otel_resource_storage(void) { return otel_resource_bytes; }
/// The headers that are the same for every request.
static inline void *otel_propagation_storage(void) { return otel_propagation_bytes; }
/// OTelInstrumentation's settings, and the regular expressions among them.
static inline void *otel_settings_storage(void) { return otel_settings_bytes; }
static inline void *otel_pattern_storage(int index) { return otel_pattern_bytes[index & (OTEL_PATTERN_SETS - 1)]; }

#pragma clang assume_nonnull end
