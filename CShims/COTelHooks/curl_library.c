#include "curl_library.h"
#include <dlfcn.h>

// dlsym(RTLD_NEXT) would not do: it is null when libcurl was loaded RTLD_LOCAL (every Python extension does), and the wrong flavour
// when both of Debian's are there. So: the node that was entered says the version. Of several with that version, what was loaded with
// the program is first in every scope; else it is what the caller's other references to libcurl were bound to.

static const char *const versions[OTEL_CURL_BOUND] = {
    [OTEL_CURL_ANY] = NULL, [OTEL_CURL_OPENSSL] = "CURL_OPENSSL_4", [OTEL_CURL_GNUTLS] = "CURL_GNUTLS_3", [OTEL_CURL_NSS] = "CURL_NSS_3"};

// Libraries met so far, from number 0 on. A number is claimed by storing the address of curl_easy_perform, and never given to another one:
// handles' records lead to it.
static struct otel_curl_library libraries[OTEL_CURL_LIBRARIES];
static uintptr_t claimed_by[OTEL_CURL_LIBRARIES];
static bool is_filled[OTEL_CURL_LIBRARIES];
static uint8_t satisfies[OTEL_CURL_LIBRARIES];        ///< bit `way`: defines that version, or none
static uint64_t seen_loaded[OTEL_CURL_LIBRARIES];     ///< in this generation
static const struct otel_curl_library *at_start[OTEL_CURL_BOUND];
const struct otel_curl_library *otel_curl_only[OTEL_CURL_BOUND];

#define NAME(member, name, result, parameters) #name "\0"
#define ONE(member, name, result, parameters) +1
enum { NECESSARY = OTEL_CURL_EASY(ONE) OTEL_CURL_CALLED(ONE), ALL = NECESSARY OTEL_CURL_MULTI(ONE) OTEL_CURL_HEADERS(ONE) };
_Static_assert(sizeof(struct otel_curl_library) == 3 * sizeof(uintptr_t) + ALL * sizeof(void *), "the functions are an array, in this order");

/// False: it lacks functions that every libcurl has.
static bool fill(struct otel_curl_library *library, const struct otel_definer *perform, const char *version) {
    *library = (struct otel_curl_library){.base = perform->base, .end = perform->end};
    void **functions = (void **)&library->init;
    otel_elf_in_object(perform->base, OTEL_CURL_EASY(NAME) OTEL_CURL_CALLED(NAME) OTEL_CURL_MULTI(NAME) OTEL_CURL_HEADERS(NAME), version, functions);
    for (int i = 0; i < NECESSARY; i++)
        if (!functions[i] || OTEL_FAULT("libcurl has its functions")) return false;
    return true;
}

static uint8_t ways_of(uintptr_t base) {
    uint8_t ways = 1 << OTEL_CURL_ANY;
    for (int way = OTEL_CURL_ANY + 1; way < OTEL_CURL_BOUND; way++) {
        void *perform = NULL;
        otel_elf_in_object(base, "curl_easy_perform\0", versions[way], &perform);
        if (perform) ways |= (uint8_t)(1 << way);
    }
    return ways;
}

/// Another one may have been loaded where that one was, with its perform at the same place.
static bool is_same(const struct otel_curl_library *library, const struct otel_curl_library *other) {
    const uintptr_t *a = (const uintptr_t *)library, *b = (const uintptr_t *)other;
    for (size_t i = 0; i < sizeof *library / sizeof *a; i++)
        if (a[i] != b[i]) return false;
    return true;
}

int otel_curl_number_of(const struct otel_definer *perform, const char *version) {
    uintptr_t address = (uintptr_t)perform->address;
    if (OTEL_FAULT("table of libcurls has room")) return -1;
    struct otel_curl_library found;
    if (!fill(&found, perform, version)) return -1;
    for (int i = 0; i < OTEL_CURL_LIBRARIES; i++) {
        uintptr_t claimant = __atomic_load_n(&claimed_by[i], __ATOMIC_ACQUIRE);
        if (claimant && claimant != address) continue;
        found.number = (uintptr_t)i;
        if (claimant && __atomic_load_n(&is_filled[i], __ATOMIC_ACQUIRE)) {
            if (is_same(&libraries[i], &found)) return i;
            continue;
        }
        if (!claimant && !__atomic_compare_exchange_n(&claimed_by[i], &claimant, address, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) &&
            claimant != address)
            continue;
        // Another thread may be here for the same library: it writes the same.
        libraries[i] = found;
        satisfies[i] = ways_of(found.base);
        __atomic_store_n(&is_filled[i], true, __ATOMIC_RELEASE);
        for (int way = OTEL_CURL_ANY; way < OTEL_CURL_BOUND; way++) __atomic_store_n(&otel_curl_only[way], NULL, __ATOMIC_RELAXED);
        return i;
    }
    return -1;
}

const struct otel_curl_library *otel_curl_library_number(int number) { return &libraries[number & (OTEL_CURL_LIBRARIES - 1)]; }

/// Only dlsym knows the global scope. When that has none, the message of it is taken away again: the program's next dlerror says nothing.
static void *in_global_scope(const char *name) {
    int saved = errno;
    struct otel_definer dlerror;
    void *found = otel_real.dlsym(RTLD_DEFAULT, name);
    if (!found && otel_elf_definers("dlerror", NULL, &dlerror, 1)) ((char *(*)(void))dlerror.address)();
    errno = saved;
    return found;
}

/// Which of several definers of one version a call from `caller` means; -1: nobody knows.
static int choose(const char *name, const void *caller, const struct otel_definer *found, int count) {
    int chosen = otel_elf_bound_by(caller, "curl_", found, count);
    if (chosen >= 0) return chosen;
    // An object that is bound lazily, and has called nothing else of libcurl yet. What was loaded RTLD_GLOBAL comes before its own.
    void *global = in_global_scope(name);
    for (int i = 0; global && i < count; i++)
        if (found[i].address == global) return i;
    return otel_elf_needed_by(caller, found, count);
}

/// Replaces `definer` by the one of several that a call from `caller` means. False: nobody knows. Out of line: a kibibyte of the caller's stack.
static __attribute__((noinline)) bool find_among_several(const char *name, enum otel_curl_way way, const void *caller, struct otel_definer *definer) {
    enum { CANDIDATES = 32 }; // more than get numbers: those that do not are forwarded to
    struct otel_definer found[CANDIDATES];
    int count = otel_elf_definers(name, versions[way], found, CANDIDATES);
    int chosen = choose(name, caller, found, count < CANDIDATES ? count : CANDIDATES);
    if (chosen >= 0) *definer = found[chosen];
    return chosen >= 0;
}

/// Finds the definition of `name` that a call means; without a caller, or when nobody knows, the first one. False: there is none.
static bool look_up(const char *name, enum otel_curl_way way, const void *caller, struct otel_definer *definer, bool *is_certain) {
    int count = otel_elf_definers(name, versions[way], definer, 1);
    if (count == 0) return false;
    *is_certain = (count == 1 || !caller || find_among_several(name, way, caller, definer)) && !OTEL_FAULT("libcurl is certain");
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
    enum { DEEPEST = 4 };
    struct otel_definer perform;
    for (int way = OTEL_CURL_ANY; way < OTEL_CURL_BOUND; way++) {
        // One that another constructor has loaded may be unloaded again.
        bool is_first = otel_elf_definers("curl_easy_perform", versions[way], &perform, 1) && perform.soname &&
                        otel_elf_is_needed_at_start(perform.soname, DEEPEST);
        int number = is_first ? otel_curl_number_of(&perform, versions[way]) : -1;
        if (number >= 0) at_start[way] = otel_curl_library_number(number);
    }
    for (int way = OTEL_CURL_ANY; way < OTEL_CURL_BOUND; way++) __atomic_store_n(&otel_curl_only[way], at_start[way], __ATOMIC_RELAXED);
}

static bool is_at_start(const struct otel_curl_library *library) {
    for (int way = OTEL_CURL_ANY; way < OTEL_CURL_BOUND; way++)
        if (at_start[way] == library) return true;
    return false;
}

/// Whether `library` was not unloaded.
static bool is_loaded(const struct otel_curl_library *library) {
    // A fork child may have been born while another thread held ld.so's lock, which nobody will give back. What made a handle that the
    // program goes on using is still there.
    if (is_at_start(library) || otel_is_fork_child()) return true;
    uint64_t *seen = &seen_loaded[library->number], generation = otel_elf_generation();
    if (__atomic_load_n(seen, __ATOMIC_RELAXED) == generation) return true;
    struct otel_definer perform = {.base = library->base, .end = library->end};
    struct otel_curl_library now;
    if (!otel_elf_definer_around((const void *)library->perform, "curl_easy_perform", &perform) || !fill(&now, &perform, NULL)) return false;
    now.number = library->number;
    if (!is_same(&now, library)) return false;
    __atomic_store_n(seen, generation, __ATOMIC_RELAXED);
    return true;
}

bool otel_curl_is_inside_any(const void *caller) {
    // Places are taken in their order.
    for (int i = 0; i < OTEL_CURL_LIBRARIES && __atomic_load_n(&claimed_by[i], __ATOMIC_RELAXED); i++)
        if (__atomic_load_n(&is_filled[i], __ATOMIC_ACQUIRE) && otel_curl_is_inside(&libraries[i], caller)) return true;
    return false;
}

/// The library that the call comes out of.
static const struct otel_curl_library *library_around(const void *caller) {
    struct otel_definer perform;
    // What was loaded where an unloaded library had been is not that library.
    bool is_one = otel_curl_is_inside_any(caller) && otel_elf_definer_around(caller, "curl_easy_perform", &perform);
    int number = is_one ? otel_curl_number_of(&perform, NULL) : -1;
    return number < 0 ? NULL : otel_curl_library_number(number);
}

// MARK: Answers, kept

/// What a call from one place meant, as long as no object is loaded or unloaded: a look at all of them takes 17,000 instructions.
/// `stamp` is odd while the rest is written; who finds it so, or changed, looks for himself. A fork in the middle costs the child
/// this one place.
static struct answer {
    uint64_t stamp, generation;
    uintptr_t caller;
    uint64_t content; ///< way, and number of the library above it
} answers[128];
enum { TRIED = 4 };

static struct answer *place(const void *caller, int attempt) {
    uint32_t hash = (uint32_t)((uintptr_t)caller * 0x9e3779b97f4a7c15u >> 40);
    return &answers[(hash + (uint32_t)attempt) % (sizeof answers / sizeof *answers)];
}

static const struct otel_curl_library *recall(enum otel_curl_way way, const void *caller, uint64_t generation) {
    for (int i = 0; i < TRIED; i++) {
        struct answer *answer = place(caller, i);
        uint64_t stamp = __atomic_load_n(&answer->stamp, __ATOMIC_ACQUIRE);
        bool is_it = __atomic_load_n(&answer->caller, __ATOMIC_RELAXED) == (uintptr_t)caller &&
                     __atomic_load_n(&answer->generation, __ATOMIC_RELAXED) == generation;
        uint64_t content = __atomic_load_n(&answer->content, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (is_it && content % OTEL_CURL_BOUND == (uint64_t)way && stamp % 2 == 0 && __atomic_load_n(&answer->stamp, __ATOMIC_RELAXED) == stamp)
            return otel_curl_library_number((int)(content / OTEL_CURL_BOUND));
    }
    return NULL;
}

static void keep(enum otel_curl_way way, const void *caller, uint64_t generation, const struct otel_curl_library *library) {
    int chosen = 0;
    for (int i = TRIED - 1; i >= 0; i--)
        if (__atomic_load_n(&place(caller, i)->generation, __ATOMIC_RELAXED) != generation) chosen = i;
    struct answer *answer = place(caller, chosen);
    uint64_t stamp = __atomic_load_n(&answer->stamp, __ATOMIC_RELAXED);
    if (stamp % 2 || !__atomic_compare_exchange_n(&answer->stamp, &stamp, stamp + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&answer->caller, (uintptr_t)caller, __ATOMIC_RELAXED);
    __atomic_store_n(&answer->generation, generation, __ATOMIC_RELAXED);
    __atomic_store_n(&answer->content, (uint64_t)library->number * OTEL_CURL_BOUND + (uint64_t)way, __ATOMIC_RELAXED);
    __atomic_store_n(&answer->stamp, stamp + 2, __ATOMIC_RELEASE);
}

static __attribute__((noinline)) struct otel_curl_resolution look_up_or_recall(enum otel_curl_way way, const void *caller) {
    // Loaded with the program: stays loaded, and is the first of its version in the global scope for ever. No lock is taken.
    if (at_start[way] && !otel_curl_is_inside_any(caller)) return (struct otel_curl_resolution){at_start[way], true};
    // Before the look-up: what is loaded meanwhile makes the answer an old one.
    uint64_t generation = otel_elf_generation();
    const struct otel_curl_library *kept = recall(way, caller, generation);
    if (kept) return (struct otel_curl_resolution){kept, true};
    // Asked for by dlsym, it need not be the one that its own references are bound to.
    struct otel_curl_resolution found = {library_around(caller), true};
    if (!found.library) found.library = at_start[way];
    if (!found.library) found = find(way, caller);
    // An uncertain one may become certain with the caller's next lazy binding.
    if (found.library && found.is_certain) keep(way, caller, generation, found.library);
    return found;
}

static struct otel_curl_resolution resolve(enum otel_curl_way way, const void *caller) {
    if (way >= OTEL_CURL_BOUND) return (struct otel_curl_resolution){otel_curl_library_number((int)way - OTEL_CURL_BOUND), true};
    // libcurl calls itself all the time, and what was loaded with the program is still there: no look is needed. Nor while no other was met.
    const struct otel_curl_library *first = at_start[way];
    if (first && (__atomic_load_n(&otel_curl_only[way], __ATOMIC_RELAXED) || otel_curl_is_inside(first, caller)))
        return (struct otel_curl_resolution){first, true};
    return look_up_or_recall(way, caller);
}

struct otel_curl_target otel_curl_target_of(
    const struct otel_curl_library *known, const struct otel_hook_table *table, enum otel_curl_way way, const void *caller) {
    // The library that made the handle. Unless the record is of one that is no more, whose cleanup was not seen and whose address was
    // given out again: then whoever asked for another library, by dlsym or by its version, or has outlived it, means another handle.
    // Where but one was ever met there is no such other, and no lock is taken.
    bool is_only = known && !__atomic_load_n(&claimed_by[1], __ATOMIC_RELAXED);
    if (known && way < OTEL_CURL_BOUND && satisfies[known->number] >> way & 1 && (is_only || is_loaded(known)))
        return (struct otel_curl_target){known, !otel_curl_is_inside(known, caller)};
    struct otel_curl_resolution found = resolve(way, caller);
    bool is_certain = found.is_certain && (!known || known == found.library);
    if (table && !is_certain) table->curl_unresolved();
    return (struct otel_curl_target){found.library, table && is_certain && !otel_curl_is_inside(found.library, caller)};
}

void *otel_curl_unlisted(const char *name, enum otel_curl_way way, const void *caller) {
    struct otel_definer definer;
    bool is_certain;
    return way < OTEL_CURL_BOUND && look_up(name, way, caller, &definer, &is_certain) ? definer.address : NULL;
}
