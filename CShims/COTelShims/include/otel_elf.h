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
/// A function that is looked for, and where it is: null if nowhere.
struct otel_wanted {
    const char *name;
    void *_Nullable address;
};
/// The same for `count` names in one walk over the objects.
void otel_elf_next_all(struct otel_wanted *wanted, int count);

/// Objects other than the agent that define `name` in `version` (null: any default version) or without one, in load order. Returns how many there
/// are; the first `capacity` are stored. Takes ld.so's lock.
int otel_elf_definers(const char *name, const char *_Nullable version, struct otel_definer *definers, int capacity);

/// The default definition of `name` in the object around `address`. False: there is none, or it is an agent. Takes ld.so's lock.
bool otel_elf_definer_around(const void *address, const char *name, struct otel_definer *definer);

/// Whether no other copy of the agent was loaded before this one. Takes ld.so's lock.
bool otel_elf_is_first_agent(void);

/// Whether the object called `soname` was loaded with the program: that, or a preload library before the agent, needs it, or needs what
/// needs it, over at most `depth` objects between. Takes ld.so's lock.
bool otel_elf_is_needed_at_start(const char *soname, int depth);

/// Index into `definers` of the one that the object around `caller` is, or that ld.so has bound its references to functions called
/// `prefix`… to; -1 when it is none and none is bound yet. Takes ld.so's lock.
int otel_elf_bound_by(const void *caller, const char *prefix, const struct otel_definer *definers, int count);

/// Index into `definers` of the one that the object around `caller` names in its DT_NEEDED, or -1. Takes ld.so's lock.
int otel_elf_needed_by(const void *caller, const struct otel_definer *definers, int count);

/// Each of `names` (each ended by a NUL, the last one by two) in `version` (null: any default version), in the object loaded at `base`:
/// null where it defines none; nothing is stored when there is no such object. Takes ld.so's lock.
void otel_elf_in_object(uintptr_t base, const char *names, const char *_Nullable version, void *_Nullable *_Nonnull addresses);

/// Takes the functions of this object whose names begin with `prefix` out of ld.so's sight: whoever is bound from now on, because he was loaded
/// later or is bound lazily, is bound to the next definition, as without the agent. Who has been bound stays so. Does nothing where the table
/// cannot be made writable. Two system calls, one page of memory. Any thread, once; takes ld.so's lock.
void otel_elf_withdraw(const char *prefix);

/// A number that is another one after an object was loaded or unloaded. Takes ld.so's lock, for a hundred
/// instructions: it is what ld.so holds while it changes its list, not while it loads.
uint64_t otel_elf_generation(void);

/// Path of the agent itself, as ld.so knows it. Takes ld.so's lock.
const char *_Nullable otel_elf_own_path(void);

#pragma clang assume_nonnull end
