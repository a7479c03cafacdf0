// The real libcurl behind a call: which of those loaded, and with what certainty.
#pragma once
#include "hook.h"

/// How a wrapper was entered: by one of the version nodes that it is exported under (a caller that wants another node binds to the
/// real library, untraced), or by the entry that is bound to library number `way - OTEL_CURL_BOUND`, which dlsym gave out.
enum otel_curl_way { OTEL_CURL_ANY, OTEL_CURL_OPENSSL, OTEL_CURL_GNUTLS, OTEL_CURL_NSS, OTEL_CURL_BOUND };

/// Most libraries of one process. Debian has three flavours, and each of PyPI's wheels of pycurl, pyproj, rasterio, fiona, pyogrio and
/// netCDF4 carries a copy of its own. One that was unloaded and comes back elsewhere takes another number.
enum { OTEL_CURL_LIBRARIES = 16 };

struct otel_curl_resolution {
    const struct otel_curl_library *library; ///< null: none is loaded that has all functions, or there were too many
    bool is_certain;                         ///< false: several could be meant; forward, and do not trace
};

/// Whether a call from `caller` is one that libcurl makes to itself: it gets handles for its own use, which it frees by other ways, and
/// its "easy" functions are made of the "multi" ones. Such a call is forwarded, and neither traced nor remembered.
static inline bool otel_curl_is_inside(const struct otel_curl_library *library, const void *caller) {
    return library && (uintptr_t)caller - library->base < library->end - library->base;
}

/// Whether the call comes from where a libcurl was met. Takes no lock: one that was unloaded meanwhile still counts.
bool otel_curl_is_inside_any(const void *caller);

/// Of each version, what was loaded with the program, which is first in every scope and stays loaded, as long as no other library was met;
/// or null. Every handle is of it, known or not.
extern const struct otel_curl_library *otel_curl_only[OTEL_CURL_BOUND];

struct otel_curl_target {
    const struct otel_curl_library *library; ///< null: see otel_curl_unlisted
    bool is_traced;                          ///< false: forward, and do nothing else
};

/// Where the call from `caller`, entered by `way`, goes. `known`: the library of the record of its handle; null: there is none. Takes
/// ld.so's lock unless the answer is known from the program's start or by `way`.
struct otel_curl_target otel_curl_target_of(
    const struct otel_curl_library *known, const struct otel_hook_table *table, enum otel_curl_way way, const void *caller);

/// The hook table while libcurl is traced, or null.
extern _Atomic(const struct otel_hook_table *) otel_curl_hook_installed;
static inline const struct otel_hook_table *otel_curl_hooks(void) {
    return __atomic_load_n((const struct otel_hook_table **)&otel_curl_hook_installed, __ATOMIC_ACQUIRE);
}

/// Whether the names of libcurl's functions are still to be taken out of ld.so's sight, as it is not traced: whose libcurl it is has to be found
/// for each call that comes through here, traced or not.
extern bool otel_curl_is_withdrawing;

/// The real function `name` for a call that has no `library`; null when there is none. Takes ld.so's lock.
void *otel_curl_unlisted(const char *name, enum otel_curl_way way, const void *caller);

/// Number of the library that `perform` is the curl_easy_perform of, or -1. Takes ld.so's lock when it is met first.
int otel_curl_number_of(const struct otel_definer *perform, const char *version);

/// `number` is below OTEL_CURL_LIBRARIES, and came from otel_curl_number_of.
const struct otel_curl_library *otel_curl_library_number(int number);

/// Finds the libraries that were loaded with the program. For the constructor.
void otel_curl_find_loaded(void);
