// The real libcurl behind a call: which of those loaded, and with what certainty.
#pragma once
#include "hook.h"

/// The version nodes that wrappers are exported under. A caller that wants another one binds to the real library, untraced.
enum otel_curl_node { OTEL_CURL_ANY, OTEL_CURL_OPENSSL, OTEL_CURL_GNUTLS, OTEL_CURL_NSS, OTEL_CURL_NODES };

struct otel_curl_resolution {
    const struct otel_curl_library *library; ///< null: none is loaded
    bool is_certain;                         ///< false: several could be meant; forward, and do not trace
};

/// The library that the call from `caller`, bound to `node`, is meant for. Takes ld.so's lock unless the answer is known from the
/// program's start. Not for calls with a handle whose library is known.
struct otel_curl_resolution otel_curl_resolve(enum otel_curl_node node, const void *caller);

/// The library that `caller` is in: libcurl calling itself. Null: the caller is none.
const struct otel_curl_library *otel_curl_around(const void *caller);

/// Finds the libraries that were loaded with the program. For the constructor.
void otel_curl_find_loaded(void);
