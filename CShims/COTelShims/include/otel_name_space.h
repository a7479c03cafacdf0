// Which name spaces the calling thread is in (namespaces(7)).
#pragma once
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Inode number of the name space that `link` of /proc leads to, such as /proc/self/ns/mnt: "mnt:[4026531840]". 0: not known (no /proc).
/// One system call; async-signal-safe.
uint64_t otel_name_space(const char *link);
/// The calling thread's own pid name space; a thread, unlike its process, may have another one for its children.
static inline uint64_t otel_pid_namespace(void) { return otel_name_space("/proc/thread-self/ns/pid"); }

#pragma clang assume_nonnull end
