#include "include/otel_storage.h"

char otel_tracer_bytes[OTEL_TRACER_STORAGE] __attribute__((aligned(64)));
char otel_environment_bytes[OTEL_ENVIRONMENT_STORAGE];
char otel_executable_bytes[OTEL_EXECUTABLE_STORAGE];
char *otel_relay_variable_pointers[OTEL_RELAY_VARIABLES + 1];
char otel_curl_bytes[OTEL_CURL_STORAGE] __attribute__((aligned(64)));
char otel_resource_bytes[OTEL_RESOURCE_STORAGE];
char otel_propagation_bytes[OTEL_PROPAGATION_STORAGE];
char otel_settings_bytes[OTEL_SETTINGS_STORAGE] __attribute__((aligned(64)));
char otel_pattern_bytes[OTEL_PATTERN_SETS][OTEL_PATTERN_STORAGE] __attribute__((aligned(64)));
