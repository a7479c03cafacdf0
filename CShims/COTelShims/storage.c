#include "include/otel_storage.h"

static char tracer[OTEL_TRACER_STORAGE] __attribute__((aligned(64)));
static char environment[OTEL_ENVIRONMENT_STORAGE];
static char executable[OTEL_EXECUTABLE_STORAGE];
static char *variables[OTEL_RELAY_VARIABLES + 1];
static char curl[OTEL_CURL_STORAGE] __attribute__((aligned(64)));

void *otel_tracer_storage(void) { return tracer; }
char *otel_environment_storage(void) { return environment; }
char *otel_executable_storage(void) { return executable; }
char **otel_relay_variables(void) { return variables; }
void *otel_curl_storage(void) { return curl; }
