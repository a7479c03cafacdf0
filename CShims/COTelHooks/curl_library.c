#include "curl_library.h"

// dlsym(RTLD_NEXT) would not do: it is null when libcurl was loaded RTLD_LOCAL (every Python extension does), and the wrong flavour
// when both of Debian's are there. So: the node that was entered says the version, the caller's DT_NEEDED says the object.

static const char *const versions[OTEL_CURL_BOUND] = {
    [OTEL_CURL_ANY] = NULL, [OTEL_CURL_OPENSSL] = "CURL_OPENSSL_4", [OTEL_CURL_GNUTLS] = "CURL_GNUTLS_3", [OTEL_CURL_NSS] = "CURL_NSS_3"};

// Libraries met so far. A number is claimed by storing the address of curl_easy_perform, and never given to another one.
static struct otel_curl_library libraries[OTEL_CURL_LIBRARIES];
static uintptr_t claimed_by[OTEL_CURL_LIBRARIES];
static bool is_filled[OTEL_CURL_LIBRARIES];
static const struct otel_curl_library *at_start[OTEL_CURL_BOUND];

static bool fill(struct otel_curl_library *library, const struct otel_definer *perform, const char *version) {
    library->base = perform->base;
#define FIND(member, name, result, parameters)                                                                                             \
    library->member = (__typeof__(library->member))otel_elf_in_object(perform->base, #name, version);                                      \
    if (!library->member) return false;
    OTEL_CURL_EASY(FIND)
    OTEL_CURL_CALLED(FIND)
#undef FIND
#define FIND(member, name, result, parameters)                                                                                             \
    library->member = (__typeof__(library->member))otel_elf_in_object(perform->base, #name, version);
    OTEL_CURL_MULTI(FIND)
    library->end = otel_elf_end(perform->base);
    return true;
}

int otel_curl_number_of(const struct otel_definer *perform, const char *version) {
    uintptr_t address = (uintptr_t)perform->address;
    for (int i = 0; i < OTEL_CURL_LIBRARIES; i++) {
        uintptr_t claimant = __atomic_load_n(&claimed_by[i], __ATOMIC_ACQUIRE);
        if (claimant == address && __atomic_load_n(&is_filled[i], __ATOMIC_ACQUIRE)) return i;
        if (claimant && claimant != address) continue;
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

/// Finds the definition of `name` that a call means. False: there is none. `is_certain`: it is the only one, or the caller's own.
static bool look_up(const char *name, enum otel_curl_way way, const void *caller, struct otel_definer *definer, bool *is_certain) {
    enum { CANDIDATES = 8 };
    struct otel_definer found[CANDIDATES];
    int count = otel_elf_definers(name, versions[way], found, CANDIDATES);
    if (count == 0) return false;
    int chosen = count == 1 ? 0 : caller ? otel_elf_needed_by(caller, found, count < CANDIDATES ? count : CANDIDATES) : -1;
    *is_certain = chosen >= 0;
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
    for (int way = OTEL_CURL_OPENSSL; way < OTEL_CURL_BOUND; way++) {
        struct otel_curl_resolution found = find((enum otel_curl_way)way, NULL);
        if (found.is_certain) at_start[way] = found.library;
    }
}

struct otel_curl_resolution otel_curl_resolve(enum otel_curl_way way, const void *caller) {
    if (way >= OTEL_CURL_BOUND) return (struct otel_curl_resolution){otel_curl_library_number((int)way - OTEL_CURL_BOUND), true};
    // Loaded with the program and alone of its version: stays loaded, and is first in the global scope for ever.
    if (at_start[way]) return (struct otel_curl_resolution){at_start[way], true};
    return find(way, caller);
}

void *otel_curl_unlisted(const char *name, enum otel_curl_way way, const void *caller) {
    struct otel_definer definer;
    bool is_certain;
    return way < OTEL_CURL_BOUND && look_up(name, way, caller, &definer, &is_certain) ? definer.address : NULL;
}

const struct otel_curl_library *otel_curl_around(const void *caller) {
    uintptr_t address = (uintptr_t)caller;
    for (int i = 0; i < OTEL_CURL_LIBRARIES && __atomic_load_n(&claimed_by[i], __ATOMIC_RELAXED); i++) {
        if (!__atomic_load_n(&is_filled[i], __ATOMIC_ACQUIRE)) continue;
        if (address >= libraries[i].base && address < libraries[i].end) return &libraries[i];
    }
    return NULL;
}
