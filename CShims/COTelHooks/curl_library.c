#include "curl_library.h"
#include <dlfcn.h>

// dlsym(RTLD_NEXT) would not do: it is null when libcurl was loaded RTLD_LOCAL (every Python extension does), and the wrong flavour
// when both of Debian's are there. So: the node that was entered says the version. Of several with that version, what was loaded with
// the program is first in every scope; else it is what the caller's other references to libcurl were bound to.

static const char *const versions[OTEL_CURL_BOUND] = {
    [OTEL_CURL_ANY] = NULL, [OTEL_CURL_OPENSSL] = "CURL_OPENSSL_4", [OTEL_CURL_GNUTLS] = "CURL_GNUTLS_3", [OTEL_CURL_NSS] = "CURL_NSS_3"};

// Libraries met so far. A number is claimed by storing the address of curl_easy_perform, and never given to another one.
static struct otel_curl_library libraries[OTEL_CURL_LIBRARIES];
static uintptr_t claimed_by[OTEL_CURL_LIBRARIES];
static bool is_filled[OTEL_CURL_LIBRARIES];
static const struct otel_curl_library *at_start[OTEL_CURL_BOUND];

static bool fill(struct otel_curl_library *library, const struct otel_definer *perform, const char *version) {
    library->base = perform->base;
    library->end = perform->end;
#define FIND(member, name, result, parameters)                                                                                             \
    library->member = (__typeof__(library->member))otel_elf_in_object(perform->base, #name, version);                                      \
    if (!library->member || OTEL_FAULT("libcurl has " #name)) return false;
    OTEL_CURL_EASY(FIND)
    OTEL_CURL_CALLED(FIND)
#undef FIND
#define FIND(member, name, result, parameters)                                                                                             \
    library->member = (__typeof__(library->member))otel_elf_in_object(perform->base, #name, version);
    OTEL_CURL_MULTI(FIND)
    return true;
}

int otel_curl_number_of(const struct otel_definer *perform, const char *version) {
    uintptr_t address = (uintptr_t)perform->address;
    if (OTEL_FAULT("table of libcurls has room")) return -1;
    for (int i = 0; i < OTEL_CURL_LIBRARIES; i++) {
        uintptr_t claimant = __atomic_load_n(&claimed_by[i], __ATOMIC_ACQUIRE);
        if (claimant && claimant != address) continue;
        if (claimant && __atomic_load_n(&is_filled[i], __ATOMIC_ACQUIRE)) {
            // Another one may have been loaded where that one was.
            if (libraries[i].base == perform->base && libraries[i].end == perform->end) return i;
            continue;
        }
        struct otel_curl_library found;
        if (!fill(&found, perform, version)) return -1;
        if (!claimant && !__atomic_compare_exchange_n(&claimed_by[i], &claimant, address, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) &&
            claimant != address)
            continue;
        // Another thread may be here for the same library: it writes the same.
        libraries[i] = found;
        __atomic_store_n(&is_filled[i], true, __ATOMIC_RELEASE);
        return i;
    }
    return -1;
}

const struct otel_curl_library *otel_curl_library_number(int number) { return &libraries[number & (OTEL_CURL_LIBRARIES - 1)]; }

/// Which of several definers of one version a call from `caller` means; -1: nobody knows.
static int choose(const char *name, const void *caller, const struct otel_definer *found, int count) {
    int chosen = otel_elf_bound_by(caller, "curl_", found, count);
    if (chosen >= 0) return chosen;
    // An object that is bound lazily, and has called nothing else of libcurl yet. What was loaded RTLD_GLOBAL comes before its own, and
    // only dlsym knows the global scope. Where there is none, this leaves a message for the program's next dlerror.
    void *global = otel_real.dlsym(RTLD_DEFAULT, name);
    for (int i = 0; global && i < count; i++)
        if (found[i].address == global) return i;
    return otel_elf_needed_by(caller, found, count);
}

/// Finds the definition of `name` that a call means; without a caller, the first one. False: there is none.
static bool look_up(const char *name, enum otel_curl_way way, const void *caller, struct otel_definer *definer, bool *is_certain) {
    enum { CANDIDATES = 32 }; // more than get numbers: those that do not are forwarded to
    struct otel_definer found[CANDIDATES];
    int count = otel_elf_definers(name, versions[way], found, CANDIDATES);
    if (count == 0) return false;
    int chosen = count == 1 || !caller ? 0 : choose(name, caller, found, count < CANDIDATES ? count : CANDIDATES);
    *is_certain = chosen >= 0 && !OTEL_FAULT("libcurl is certain");
    *definer = found[*is_certain ? chosen : 0];
    return true;
}

static struct otel_curl_resolution find(enum otel_curl_way way, const void *caller) {
    struct otel_definer perform;
    bool is_certain;
    if (!look_up("curl_easy_perform", way, caller, &perform, &is_certain)) return (struct otel_curl_resolution){NULL, false};
    int number = otel_curl_number_of(&perform, versions[way]);
    return (struct otel_curl_resolution){number < 0 ? NULL : otel_curl_library_number(number), number >= 0 && is_certain};
}

void otel_curl_find_loaded(void) {
    for (int way = OTEL_CURL_ANY; way < OTEL_CURL_BOUND; way++) at_start[way] = find((enum otel_curl_way)way, NULL).library;
}

/// The library that the call comes out of. What was loaded where an unloaded library had been is not that library.
static const struct otel_curl_library *library_around(const void *caller) {
    struct otel_definer perform;
    for (int i = 0; i < OTEL_CURL_LIBRARIES; i++)
        if (__atomic_load_n(&is_filled[i], __ATOMIC_ACQUIRE) && otel_curl_is_inside(&libraries[i], caller) &&
            otel_elf_definer_around(caller, "curl_easy_perform", &perform) && perform.address == (void *)libraries[i].perform)
            return &libraries[i];
    return NULL;
}

struct otel_curl_resolution otel_curl_resolve(enum otel_curl_way way, const void *caller) {
    if (way >= OTEL_CURL_BOUND) return (struct otel_curl_resolution){otel_curl_library_number((int)way - OTEL_CURL_BOUND), true};
    // libcurl calls itself all the time, and what was loaded with the program is still there: no look is needed.
    if (otel_curl_is_inside(at_start[way], caller)) return (struct otel_curl_resolution){at_start[way], true};
    // Asked for by dlsym, it need not be the one that its own references are bound to.
    const struct otel_curl_library *own = library_around(caller);
    if (own) return (struct otel_curl_resolution){own, true};
    // Loaded with the program: stays loaded, and is the first of its version in the global scope for ever.
    if (at_start[way]) return (struct otel_curl_resolution){at_start[way], true};
    return find(way, caller);
}

void *otel_curl_unlisted(const char *name, enum otel_curl_way way, const void *caller) {
    struct otel_definer definer;
    bool is_certain;
    return way < OTEL_CURL_BOUND && look_up(name, way, caller, &definer, &is_certain) ? definer.address : NULL;
}
