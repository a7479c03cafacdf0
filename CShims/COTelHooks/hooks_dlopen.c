#include "curl_library.h"
#include <dlfcn.h>

// RTLD_DEEPBIND puts an object's own libraries before everything else, the agent too: its calls of libcurl pass us by. PHP loads its
// extensions so. When the user asks for it (OTEL_NATIVE_DEEPBIND), the flag is taken off such an object.
//
// A jump, not a call: where ld.so looks for a file, and in which name space, depends on who calls.

/// By the file's name, as PHP's curl.so: to look into the file would need a descriptor. `dlopen` reads the name next, whatever it points to.
static bool is_of_curl(const char *file) {
    bool is_one = false;
    for (const char *next = file; *next; next++) {
        if (*next == '/') is_one = false;
        if (next[0] == 'c' && next[1] == 'u' && next[2] == 'r' && next[3] == 'l') is_one = true;
    }
    return is_one;
}

static __attribute__((noinline)) void *open_deep(const char *file, int flags) {
    const struct otel_hook_table *table = otel_hooks();
    if (file && table && !table->keeps_deepbind && is_of_curl(file)) flags &= ~RTLD_DEEPBIND;
    __attribute__((musttail)) return otel_real.dlopen(file, flags);
}

bool otel_curl_is_withdrawing;

/// The first dlopen of a program whose libcurl is not traced: what comes with it is bound to libcurl itself, without us in between. Not behind
/// a filter of the program's own.
static __attribute__((noinline)) void *open_untraced(const char *file, int flags) {
    int saved = errno;
    if (!otel_host_filtered() && __atomic_exchange_n(&otel_curl_is_withdrawing, false, __ATOMIC_RELAXED)) otel_elf_withdraw("curl_");
    errno = saved;
    __attribute__((musttail)) return otel_real.dlopen(file, flags);
}

// Two versions of one function, as dlsym has; none is the default one, for the same reason.
OTEL_EXPORT void *otel_dlopen_old(const char *file, int flags) {
    if (__atomic_load_n(&otel_curl_is_withdrawing, __ATOMIC_RELAXED)) __attribute__((musttail)) return open_untraced(file, flags);
    if (flags & RTLD_DEEPBIND) __attribute__((musttail)) return open_deep(file, flags);
    __attribute__((musttail)) return otel_real.dlopen(file, flags);
}
OTEL_EXPORT void *otel_dlopen_new(const char *file, int flags) __attribute__((alias("otel_dlopen_old")));
__asm__(".symver otel_dlopen_old, dlopen@GLIBC_2.2.5\n.symver otel_dlopen_new, dlopen@GLIBC_2.34");
