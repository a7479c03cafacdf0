#include "include/otel_thread.h"

__thread struct otel_thread otel_thread_state;
