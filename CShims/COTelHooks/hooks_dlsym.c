#include "curl_wrapper.h"
#include <dlfcn.h>
#include <stddef.h>

// ctypes, LuaJIT's ffi, .NET and Rust's libloading ask dlsym for libcurl's functions, and so call past every interposed name. They get
// the wrapper's entry that is bound to exactly the library that dlsym found; its body resolves nothing.
//
// Everything else is jumped to: a call from here would make us the caller, and RTLD_NEXT means "behind the caller". Another preload
// that looks for its next `getpagesize` would find itself, for ever.

#define DECLARE(member, name, result, parameters) extern __attribute__((visibility("hidden"))) const char otel_##name##_bound[];
OTEL_CURL_WRAPPED(DECLARE)

static const struct wrapped {
    const char *name;
    const char *bound;     ///< the entry for library 0; the others follow
    size_t offset;         ///< of the real function in otel_curl_library
} wrapped[] = {
#define DESCRIBE(member, name, result, parameters) {#name, otel_##name##_bound, offsetof(struct otel_curl_library, member)},
    OTEL_CURL_WRAPPED(DESCRIBE)
};

static const struct wrapped *wrapped_function(const char *name) {
    for (size_t i = 0; i < sizeof wrapped / sizeof *wrapped; i++)
        if (strcmp(wrapped[i].name, name) == 0) return &wrapped[i];
    return NULL;
}

/// The entry bound to the library around `real`, or `real`: when that is no libcurl, or not what the library has under this name.
static void *entry_for(const struct wrapped *function, void *real) {
    struct otel_definer perform;
    if (!otel_elf_definer_around(real, "curl_easy_perform", &perform)) return real;
    int number = otel_curl_number_of(&perform, NULL);
    if (number < 0) return real;
    const char *library = (const char *)otel_curl_library_number(number);
    if (*(void *const *)(library + function->offset) != real) return real;
    return (void *)(function->bound + number * OTEL_CURL_ENTRY_SIZE);
}

/// Which library RTLD_DEFAULT means depends on the caller, and it cannot be called for another one. Where there is but one, it is that.
static bool is_only_libcurl(void) {
    struct otel_definer perform;
    return otel_elf_definers("curl_easy_perform", NULL, &perform, 1) == 1;
}

static __attribute__((noinline)) void *curl_function(void *handle, const char *name) {
    const struct wrapped *function = wrapped_function(name);
    if (!function || (handle == RTLD_DEFAULT && !is_only_libcurl())) __attribute__((musttail)) return otel_real.dlsym(handle, name);
    void *real = otel_real.dlsym(handle, name);
    // What is not in our scope may be in the caller's.
    if (!real) __attribute__((musttail)) return otel_real.dlsym(handle, name);
    int saved = errno;
    void *answer = entry_for(function, real);
    errno = saved;
    return answer;
}

/// Reads no more of `name` than it must: the real function says what becomes of a wild pointer.
static inline bool is_of_curl(const char *name) {
    return name && name[0] == 'c' && name[1] == 'u' && name[2] == 'r' && name[3] == 'l' && name[4] == '_';
}

static inline bool is_answered(void *handle) {
    const struct otel_hook_table *table = otel_hooks();
    return table && table->answers_dlsym && handle != RTLD_NEXT;
}

// Two versions of one function: before glibc 2.34 it was libdl's. None is the default version, so that a weak reference without a
// version, by which programs ask whether there is a dlsym, sees what it would see without us.
OTEL_EXPORT void *otel_dlsym_old(void *handle, const char *name) {
    if (is_of_curl(name) && is_answered(handle)) __attribute__((musttail)) return curl_function(handle, name);
    __attribute__((musttail)) return otel_real.dlsym(handle, name);
}
OTEL_EXPORT void *otel_dlsym_new(void *handle, const char *name) __attribute__((alias("otel_dlsym_old")));
__asm__(".symver otel_dlsym_old, dlsym@GLIBC_2.2.5\n.symver otel_dlsym_new, dlsym@GLIBC_2.34");
