// A region comes to be: sealed shared memory that the relay holds and the host only maps. See docs/region.md.
#pragma once
#include "otel_rendezvous.h"
#include "otel_tls_files.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

struct otel_region_word {
    size_t offset;
    uint64_t value;
};

/// What a region is to be, and what became of it. Strings are borrowed.
struct otel_region_request {
    size_t size;
    size_t identity_offset, identity_capacity, identity_length_offset, magic_offset;
    uint64_t magic;
    struct otel_region_word words[4];      ///< header words to set
    const char *_Nullable command;         ///< argv[0]
    const char *_Nullable executable;      ///< target of /proc/self/exe
    uint64_t start_time;                   ///< Unix time in nanoseconds
    int process_id;                        ///< in the process's own pid name space
    uint64_t pid_namespace;                ///< its inode number; 0: not known
    const char *_Nullable configuration;   ///< NAME=VALUE entries, each ended by NUL
    size_t configuration_length;
    struct otel_tls_paths tls_paths;
    struct otel_relay_start relay;

    void *_Nullable region;                ///< out: where it is mapped; null when there is none
    int made;                              ///< out: 0, or the -errno of the step that failed; -ECANCELED: this program is left alone
    int handed_over;                       ///< out: an otel_relay_outcome, or -errno
};

/// Set once the program has installed a seccomp filter of its own, and true in its children: from then on no system call of ours is
/// made. A filter that was there before the program, a container's, does not count.
extern bool otel_host_is_filtered;
static inline bool otel_host_filtered(void) { return __atomic_load_n(&otel_host_is_filtered, __ATOMIC_RELAXED); }

/// Makes the region in a helper (otel_helper.h) and hands it over: not a descriptor of it ever exists in this process.
/// Returns false when there is no region. One at a time per process. A region that could not be handed over stays mapped.
bool otel_region_make(struct otel_region_request *request);

/// A region for a process that exports without a relay: private memory of `size` bytes, which fork children do not get. Null when the
/// kernel gives none.
void *_Nullable otel_region_make_private(size_t size);
/// Zeroed private memory of `size` bytes that costs nothing until it is touched; a fork child has it too. Null when there is none.
void *_Nullable otel_private_memory(size_t size);

/// A private page that a fork child sees zeroed (MADV_WIPEONFORK, Linux 4.14); null when the kernel cannot.
void *_Nullable otel_process_page(size_t size);
/// The page's last word: 1, and 0 in a fork child. Null while there is no page.
extern __attribute__((visibility("hidden"))) uint64_t *_Nullable otel_unforked_word;
/// Whether the process is a fork child that has executed nothing since.
static inline bool otel_is_fork_child(void) { return otel_unforked_word && __atomic_load_n(otel_unforked_word, __ATOMIC_RELAXED) == 0; }
/// Puts untouched anonymous memory in the place of a region, in one step: a writer that comes too late writes into nothing.
bool otel_region_retire(void *region, size_t size);
/// Unmaps a region that no other thread has ever seen.
void otel_region_discard(void *region, size_t size);
/// Puts untouched anonymous memory where a fork child's parent has a region, unless something else is there by now.
void otel_region_stand_in(void *region, size_t size);
/// 1 when the process is a child subreaper: orphans, a relay started from here among them, would become its children.
bool otel_process_is_subreaper(void);
/// The process's id in its own pid name space.
int otel_process_id(void);
/// The host's name, NUL-terminated; false when it does not fit.
bool otel_host_name(char *name, size_t capacity);
/// The machine's name as the process's first record found it; empty before, or when it does not fit.
enum { OTEL_OWN_NAME = 65 };
extern char otel_own_name[OTEL_OWN_NAME];
static inline bool otel_is_own_name(const char *name, size_t length) {
    if (length == 0 || length >= OTEL_OWN_NAME || otel_own_name[length]) return false;
    for (size_t i = 0; i < length; i++)
        if (otel_own_name[i] != name[i]) return false;
    return true;
}
/// Fills `words` from getrandom(2) without blocking.
bool otel_random(uint64_t *words, size_t count);
/// The machine-wide switch: while this file is there, whatever is in it, no program that starts is instrumented.
#define OTEL_MACHINE_SWITCH "/etc/otelagent/disabled"
/// Whether it is there. One system call, access(2).
bool otel_machine_is_off(void);
/// Target of /proc/self/exe, NUL-terminated; false when it cannot be read.
bool otel_executable_path(char *path, size_t capacity);

#pragma clang assume_nonnull end
