// The look-up in loaded objects, over an object that a test has made.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// What is asked of the one object that is loaded. `name` and `version` are C strings.
struct fuzz_lookup {
    const char *name;
    const char *_Nullable version;
};

/// What the shipped look-up says. Addresses are relative to the object's base.
struct fuzz_answer {
    bool is_default;      ///< there is a definition of `name` that references without a version get
    uint64_t default_value;
    bool is_versioned;    ///< … that references to `version` get
    uint64_t versioned_value;
    int definers;
    const char *_Nullable soname;
    int bound, needed;
};

/// Asks everything of an object whose memory begins with `image` and whose program headers are read from it, at `phoff` as in its ELF header.
/// An access outside of `[image, image + size)` is an AddressSanitizer report, or SIGSEGV.
struct fuzz_answer fuzz_look_up(const uint8_t *image, size_t size, struct fuzz_lookup lookup);

#pragma clang assume_nonnull end
