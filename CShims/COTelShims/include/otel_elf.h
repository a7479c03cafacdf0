// Looks up functions in the loaded objects as ld.so has them, without libdl: before glibc 2.34 that is another library, and dlsym
// leaves a message for the host's next dlerror.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// One loaded object that defines a name. Pointers are into the object: valid while it stays loaded.
struct otel_definer {
    uintptr_t base, end; ///< where the object is loaded
    const char *_Nullable soname;
    void *address;
};

/// The definition that ld.so would bind a reference in an object behind ours to (dlsym's RTLD_NEXT): the first one in load order
/// behind the agent. Null when there is none. Takes ld.so's lock: for the constructor.
void *_Nullable otel_elf_next(const char *name);

/// The same before other libraries' constructors have run: calls no function that may be intercepted, and takes no lock. Null also when it
/// is not known where ld.so has its list.
void *_Nullable otel_elf_next_early(const char *name);

/// Objects other than the agent that define `name` in `version` (null: any default version) or without one, in load order. Returns how many there
/// are; the first `capacity` are stored. Takes ld.so's lock.
int otel_elf_definers(const char *name, const char *_Nullable version, struct otel_definer *definers, int capacity);

/// The default definition of `name` in the object around `address`. False: there is none, or it is an agent. Takes ld.so's lock.
bool otel_elf_definer_around(const void *address, const char *name, struct otel_definer *definer);

/// Whether no other copy of the agent was loaded before this one. Takes ld.so's lock.
bool otel_elf_is_first_agent(void);

/// Index into `definers` of the one that the object around `caller` is, or that ld.so has bound its references to functions called
/// `prefix`… to; -1 when it is none and none is bound yet. Takes ld.so's lock.
int otel_elf_bound_by(const void *caller, const char *prefix, const struct otel_definer *definers, int count);

/// Index into `definers` of the one that the object around `caller` names in its DT_NEEDED, or -1. Takes ld.so's lock.
int otel_elf_needed_by(const void *caller, const struct otel_definer *definers, int count);

/// `name` in `version` (null: any default version), in the object loaded at `base`. Takes ld.so's lock.
void *_Nullable otel_elf_in_object(uintptr_t base, const char *name, const char *_Nullable version);

/// Path of the agent itself, as ld.so knows it. Takes ld.so's lock.
const char *_Nullable otel_elf_own_path(void);

#pragma clang assume_nonnull end
