// Names that a program looks up: getaddrinfo(3) and the gethostbyname(3) family.
#include "curl_library.h"

/// libcurl's own look-ups are a layer of its transfers, on the threads that it makes for them too.
static inline bool is_libcurls(const struct otel_hook_table *table, const void *caller) {
    return table->traces_curl && otel_curl_is_inside_any(caller);
}

static inline bool enter(const struct otel_hook_table *table, struct otel_lookup *lookup, const char *name, bool asks_canonical) {
    lookup->call.state = 0;
    OTEL_AGENT(table->lookup_enter(lookup, name, asks_canonical));
    return lookup->call.state != 0;
}

#define UNPACK(...) __VA_ARGS__
/// Defines the wrapper of `function`, which looks `name` up; behind `arguments` its parameters. `asks`: whether it may be a question,
/// `asks_canonical` for what a name stands for. `exit` tells the outcome, `result`. What is switched off is jumped to. The real call of a look-up that was entered has a frame of its own:
/// unwinding it gives the look-up up, and one that was not entered must give up none.
#define LOOKUP(type, function, asks, asks_canonical, exit, arguments, ...)                                                                 \
    static __attribute__((noinline)) type traced_##function(                                                                               \
        const struct otel_hook_table *table, struct otel_lookup *lookup, __VA_ARGS__) {                                                    \
        OTEL_UNWINDABLE;                                                                                                                    \
        type result = otel_real.function(UNPACK arguments);                                                                                \
        OTEL_AGENT(exit);                                                                                                                   \
        return result;                                                                                                                      \
    }                                                                                                                                       \
    static __attribute__((noinline)) type watched_##function(const struct otel_hook_table *table, const void *caller, __VA_ARGS__) {       \
        struct otel_lookup lookup;                                                                                                          \
        if ((asks) && !is_libcurls(table, caller) && enter(table, &lookup, name, asks_canonical))                                          \
            return traced_##function(table, &lookup, UNPACK arguments);                                                                    \
        return otel_real.function(UNPACK arguments);                                                                                       \
    }                                                                                                                                       \
    OTEL_EXPORT type function(__VA_ARGS__) {                                                                                               \
        const struct otel_hook_table *table = otel_hooks();                                                                                \
        if (!table || !table->traces_dns || !name) __attribute__((musttail)) return otel_real.function(UNPACK arguments);                  \
        return watched_##function(table, __builtin_return_address(0), UNPACK arguments);                                                   \
    }

LOOKUP(int, getaddrinfo, !hints || !(hints->ai_flags & AI_NUMERICHOST || hints->ai_family == AF_UNIX), hints && hints->ai_flags & AI_CANONNAME,
    table->lookup_exit(lookup, result, result ? NULL : *addresses), (name, service, hints, addresses),
    const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **addresses)

// What these answer is in memory that the next look-up of any thread writes to: whether it may be read, only the program knows.
#define ANSWERED table->host_lookup_exit(lookup, result ? 0 : h_errno, h_errno == NETDB_INTERNAL ? errno : 0, NULL)
LOOKUP(struct hostent *, gethostbyname, true, false, ANSWERED, (name), const char *name)
LOOKUP(struct hostent *, gethostbyname2, true, false, ANSWERED, (name, family), const char *name, int family)

/// The outcome of those that answer into the caller's memory.
#define FOUND table->host_lookup_exit(lookup, result || !*found ? *error : 0, result, result ? NULL : *found)
LOOKUP(int, gethostbyname_r, true, false, FOUND, (name, host, buffer, size, found, error),
    const char *name, struct hostent *host, char *buffer, size_t size, struct hostent **found, int *error)
LOOKUP(int, gethostbyname2_r, true, false, FOUND, (name, family, host, buffer, size, found, error),
    const char *name, int family, struct hostent *host, char *buffer, size_t size, struct hostent **found, int *error)
