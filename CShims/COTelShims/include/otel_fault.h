// Steps that can fail, by name: a build for tests (OTEL_FAULT_INJECTION=1, see Package.swift) makes any of them fail. Elsewhere the
// conditions are constants, and nothing of this is in the object.
#pragma once
#include <stdbool.h>

#pragma clang assume_nonnull begin

#if OTEL_FAULT_INJECTION
/// Whether the step called `site` is to fail now: the environment says so (fault.c). Any thread; async-signal-safe; errno stays.
bool otel_fault(const char *site) __attribute__((visibility("hidden")));
/// What a system call that is to fail returns: -errno.
long otel_fault_error(void) __attribute__((visibility("hidden")));
#define OTEL_FAULT(name) otel_fault("fault: " name)
/// `call`, unless it is to fail.
#define OTEL_FAULT_OR(name, call) (OTEL_FAULT(name) ? otel_fault_error() : (call))
#else
#define OTEL_FAULT(name) false
#define OTEL_FAULT_OR(name, call) (call)
#endif

#pragma clang assume_nonnull end
