// What is known of the program's descriptors: hints about its sockets, and connects that it does not wait for.
#pragma once
#include "COTelHookABI.h"

#pragma clang assume_nonnull begin

/// One byte a descriptor below OTEL_SOCKET_HINTS: what socket(2) said, and whether a connect is in progress. A hint: descriptors are also
/// made and closed unseen. Those of interest to connect(2) are odd.
enum {
    OTEL_SOCKET_HINTS = 65536,
    OTEL_SOCKET_UNKNOWN = 0,
    OTEL_SOCKET_TCP = 1,
    OTEL_SOCKET_OTHER = 2,
    OTEL_SOCKET_CONNECTING = 3,
    OTEL_SOCKET_UNIX = 5,
};
extern uint8_t otel_socket_hints[OTEL_SOCKET_HINTS];
/// `descriptor` is below OTEL_SOCKET_HINTS.
static inline uint8_t *otel_socket_hint(int descriptor) { return &otel_socket_hints[descriptor & (OTEL_SOCKET_HINTS - 1)]; }

/// Of which sockets connects are traced. Written before the hooks are live.
enum { OTEL_TRACES_TCP = 1, OTEL_TRACES_UNIX = 2 };
extern uint8_t otel_traced_sockets_word;
static inline int otel_traced_sockets(void) { return otel_traced_sockets_word; }
static inline void otel_set_traced_sockets(int kinds) { otel_traced_sockets_word = (uint8_t)kinds; }

/// Whether a connect of `descriptor` is in progress. All that a call of no interest pays.
static inline bool otel_is_connecting(int descriptor) {
    return (unsigned)descriptor < OTEL_SOCKET_HINTS && *otel_socket_hint(descriptor) == OTEL_SOCKET_CONNECTING;
}

/// A connect whose outcome the program has not learned yet. Fixed size, in a static table.
enum { OTEL_CONNECTS = 1024, OTEL_CONNECT_ADDRESS = 28 };
struct otel_connect {
    struct otel_call span;
    uint32_t length; ///< of `address`
    uint8_t address[OTEL_CONNECT_ADDRESS]; ///< a sockaddr_in or a sockaddr_in6
};
extern struct otel_connect otel_connects[OTEL_CONNECTS];
/// A word for each: 0: free; else the descriptor + 1, and, in the highest bit, whether somebody is writing or ending it.
extern uint64_t otel_connect_owners[OTEL_CONNECTS];
/// Whether there ever was one.
extern bool otel_connects_used;
static inline bool otel_connects_were_used(void) { return __atomic_load_n(&otel_connects_used, __ATOMIC_RELAXED); }
static inline void otel_connects_use(void) { __atomic_store_n(&otel_connects_used, true, __ATOMIC_RELAXED); }
static inline struct otel_connect *otel_connect_at(int index) { return &otel_connects[index & (OTEL_CONNECTS - 1)]; }
static inline uint64_t *otel_connect_owner(int index) { return &otel_connect_owners[index & (OTEL_CONNECTS - 1)]; }
static inline struct otel_call *otel_connect_span(struct otel_connect *connect) { return &connect->span; }
static inline struct sockaddr *otel_connect_address(struct otel_connect *connect) { return (struct sockaddr *)connect->address; }

#pragma clang assume_nonnull end
