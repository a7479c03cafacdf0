#include "curl_library.h"

// dlsym(RTLD_NEXT) would not do: it is null when libcurl was loaded RTLD_LOCAL (every Python extension does), and the wrong flavour
// when both of Debian's are there. So: the node that was entered says the version, the caller's DT_NEEDED says the object.

static const char *const versions[OTEL_CURL_NODES] = {
    [OTEL_CURL_ANY] = NULL, [OTEL_CURL_OPENSSL] = "CURL_OPENSSL_4", [OTEL_CURL_GNUTLS] = "CURL_GNUTLS_3", [OTEL_CURL_NSS] = "CURL_NSS_3"};

// Libraries met so far; an entry is immutable once `used` says so. Sixteen flavours in one process is more than anybody has.
enum { LIBRARIES = 16 };
static struct otel_curl_library libraries[LIBRARIES];
static uint32_t state[LIBRARIES]; // 0 free, 1 being filled, 2 in use
static const struct otel_curl_library *at_start[OTEL_CURL_NODES];

static bool fill(struct otel_curl_library *library, const struct otel_definer *definer, const char *version) {
    uintptr_t base = definer->base;
    *library = (struct otel_curl_library){.base = base, .perform = (int (*)(void *))definer->address};
    library->init = (void *(*)(void))otel_elf_in_object(base, "curl_easy_init", version);
    library->duphandle = (void *(*)(void *))otel_elf_in_object(base, "curl_easy_duphandle", version);
    library->reset = (void (*)(void *))otel_elf_in_object(base, "curl_easy_reset", version);
    library->cleanup = (void (*)(void *))otel_elf_in_object(base, "curl_easy_cleanup", version);
    library->setopt = (int (*)(void *, int, ...))otel_elf_in_object(base, "curl_easy_setopt", version);
    library->getinfo = (int (*)(void *, int, ...))otel_elf_in_object(base, "curl_easy_getinfo", version);
    library->multi_add = (int (*)(void *, void *))otel_elf_in_object(base, "curl_multi_add_handle", version);
    library->multi_remove = (int (*)(void *, void *))otel_elf_in_object(base, "curl_multi_remove_handle", version);
    library->multi_info_read = (void *(*)(void *, int *))otel_elf_in_object(base, "curl_multi_info_read", version);
    library->multi_cleanup = (int (*)(void *))otel_elf_in_object(base, "curl_multi_cleanup", version);
    library->multi_perform = (int (*)(void *, int *))otel_elf_in_object(base, "curl_multi_perform", version);
    library->multi_socket_action = (int (*)(void *, int, int, int *))otel_elf_in_object(base, "curl_multi_socket_action", version);
    library->multi_socket = (int (*)(void *, int, int *))otel_elf_in_object(base, "curl_multi_socket", version);
    library->multi_socket_all = (int (*)(void *, int *))otel_elf_in_object(base, "curl_multi_socket_all", version);
    library->end = otel_elf_end(base);
    return library->init && library->duphandle && library->reset && library->cleanup && library->setopt && library->getinfo;
}

/// The entry for `definer`, made when it is met first. A library that was unloaded and came back elsewhere gets another entry.
static const struct otel_curl_library *library_of(const struct otel_definer *definer, const char *version) {
    for (int i = 0; i < LIBRARIES; i++) {
        uint32_t found = __atomic_load_n(&state[i], __ATOMIC_ACQUIRE);
        if (found == 2 && libraries[i].base == definer->base && (void *)libraries[i].perform == definer->address) return &libraries[i];
        if (found == 0 && __atomic_compare_exchange_n(&state[i], &found, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            if (fill(&libraries[i], definer, version)) {
                __atomic_store_n(&state[i], 2, __ATOMIC_RELEASE);
                return &libraries[i];
            }
            __atomic_store_n(&state[i], 0, __ATOMIC_RELEASE);
            return NULL;
        }
    }
    return NULL;
}

static struct otel_curl_resolution look_up(enum otel_curl_node node, const void *caller) {
    enum { CANDIDATES = 8 };
    struct otel_definer found[CANDIDATES];
    const char *version = versions[node];
    int count = otel_elf_definers("curl_easy_perform", version, found, CANDIDATES);
    if (count == 0) return (struct otel_curl_resolution){NULL, false};
    int stored = count < CANDIDATES ? count : CANDIDATES;
    int chosen = stored == 1 && count == 1 ? 0 : caller ? otel_elf_needed_by(caller, found, stored) : -1;
    bool is_certain = chosen >= 0;
    return (struct otel_curl_resolution){library_of(&found[is_certain ? chosen : 0], version), is_certain};
}

void otel_curl_find_loaded(void) {
    for (int node = OTEL_CURL_OPENSSL; node < OTEL_CURL_NODES; node++) {
        struct otel_curl_resolution found = look_up((enum otel_curl_node)node, NULL);
        if (found.is_certain) at_start[node] = found.library;
    }
}

struct otel_curl_resolution otel_curl_resolve(enum otel_curl_node node, const void *caller) {
    // Loaded with the program and alone of its version: stays loaded, and is first in the global scope for ever.
    if (at_start[node]) return (struct otel_curl_resolution){at_start[node], true};
    return look_up(node, caller);
}

const struct otel_curl_library *otel_curl_around(const void *caller) {
    uintptr_t address = (uintptr_t)caller;
    for (int i = 0; i < LIBRARIES && __atomic_load_n(&state[i], __ATOMIC_ACQUIRE) == 2; i++)
        if (address >= libraries[i].base && address < libraries[i].end) return &libraries[i];
    return NULL;
}
