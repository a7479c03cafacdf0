// A process that shares our memory, but neither our descriptors, nor our thread group, nor our signal handlers' turn.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Runs `work(argument)` in a helper made by clone(CLONE_VM | CLONE_VFORK, exit signal 0) and waits for its end.
///
/// The caller's thread stands still meanwhile; all its signals are blocked, so that no handler of the host runs in the helper. No
/// SIGCHLD is sent and wait(-1) does not see it. A seccomp filter that kills hits the helper only. `work` may use raw system calls only
/// (otel_syscall.h): errno and all other thread-local state are the caller's.
///
/// One helper at a time per process: the stack is static. Returns what `work` returned (0…255), or -errno when there was no helper,
/// or -1 when it was killed. -ECHILD: the host's children belong to another pid name space than the host, and a helper would be one. Cost: 80-120 µs at any size of the host.
int otel_helper_run(int (*work)(void *), void *argument);

/// No set of blocked signals: SIGKILL is never in one.
static const uint64_t OTEL_SIGNALS_UNCHANGED = ~0ull;
/// Blocks all signals of the calling thread, those of glibc too, by the system call; returns which were blocked before, for
/// `otel_signals_restore`: OTEL_SIGNALS_UNCHANGED when the kernel refuses. Not to be held for longer than a few hundred microseconds: setuid(3) of another thread waits for it.
uint64_t otel_signals_block(void);
void otel_signals_restore(uint64_t before);

/// Starts `executable` from inside a helper: own session, no new privileges (PR_SET_NO_NEW_PRIVS), `first` as descriptor 3 and, unless it is -1, `second` as descriptor 4.
/// Returns 0 when the exec succeeded, else -errno.
int otel_helper_spawn(const char *executable, char *_Nullable const *_Nonnull arguments, char *_Nullable const *_Nonnull variables, int first, int second);

#pragma clang assume_nonnull end
