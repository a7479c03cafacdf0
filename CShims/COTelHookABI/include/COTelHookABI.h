// Between the interposed functions (C) and the instrumentations (Swift): C calls up through a table that Swift installs. No table
// means pass through.
#pragma once
#include "COTelShims.h"
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#pragma clang assume_nonnull begin

// MARK: One call

/// Scratch of one hooked call, on the wrapper's stack for as long as the real call runs. Written and read by Swift only. Aligned: a
/// thread's list of calls has other uses for the low bits of their addresses.
struct __attribute__((aligned(16))) otel_call {
    uint64_t canary; ///< `generation` mixed with the struct's own address: what a dead frame left behind does not pass for a call
    uint64_t generation;
    uint64_t trace_high, trace_low, span_id, parent_id;
    uint64_t start_time; ///< Unix time in nanoseconds
    uint64_t clock;      ///< what that is ahead of CLOCK_MONOTONIC
    void *_Nullable slot;
    uint64_t state; ///< OpenSpan's flags; 0 means that the call is not traced
    const void *_Nullable subject;
    uint64_t detail;
};

// MARK: Names

/// One look-up of a name, on the wrapper's stack. The name is a copy: what the program passed may be gone when the call returns, as
/// gethostbyname may be asked for what it has answered.
enum { OTEL_LOOKUP_NAME = 255 };
struct otel_lookup {
    struct otel_call call;
    uint8_t name_count;
    uint8_t name[OTEL_LOOKUP_NAME];
};
static inline struct otel_call *otel_lookup_call(struct otel_lookup *lookup) { return &lookup->call; }
/// By its offset: one C function that Swift does not inline brings unwind tables for all of its module.
enum { OTEL_LOOKUP_NAME_OFFSET = offsetof(struct otel_lookup, name) };

// MARK: libcurl

/// The functions of libcurl that are wrapped (OTEL_CURL_WRAPPED): F(member of otel_curl_library, exported name, type of the result, parameters).
#define OTEL_CURL_EASY(F)                                                \
    F(init, curl_easy_init, void *_Nullable, (void))                     \
    F(duphandle, curl_easy_duphandle, void *_Nullable, (void *))         \
    F(reset, curl_easy_reset, void, (void *))                            \
    F(cleanup, curl_easy_cleanup, void, (void *))                        \
    F(setopt, curl_easy_setopt, int, (void *, int, ...))                 \
    F(perform, curl_easy_perform, int, (void *))
/// A build without the multi interface has none of these.
#define OTEL_CURL_MULTI(F)                                                            \
    F(multi_add, curl_multi_add_handle, int, (void *, void *))                        \
    F(multi_remove, curl_multi_remove_handle, int, (void *, void *))                  \
    F(multi_info_read, curl_multi_info_read, void *_Nullable, (void *, int *))        \
    F(multi_cleanup, curl_multi_cleanup, int, (void *))                               \
    F(multi_perform, curl_multi_perform, int, (void *, int *))                        \
    F(multi_socket_action, curl_multi_socket_action, int, (void *, int, int, int *))  \
    F(multi_socket, curl_multi_socket, int, (void *, int, int *))                     \
    F(multi_socket_all, curl_multi_socket_all, int, (void *, int *))
#define OTEL_CURL_WRAPPED(F) OTEL_CURL_EASY(F) OTEL_CURL_MULTI(F)
/// Those that are only called.
#define OTEL_CURL_CALLED(F) F(getinfo, curl_easy_getinfo, int, (void *, int, ...))

/// Of a response; libcurl 7.83 and later have these (curl_easy_header(3)).
#define OTEL_CURL_HEADERS(F)                                                                                                        \
    F(header, curl_easy_header, int, (void *, const char *, size_t, unsigned, int, struct otel_curl_header *_Nullable *_Nonnull))   \
    F(next_header, curl_easy_nextheader, struct otel_curl_header *_Nullable, (void *, unsigned, int, struct otel_curl_header *_Nullable))

/// struct curl_header.
struct otel_curl_header {
    const char *name;
    const char *value;
    size_t amount; ///< headers of this name
    size_t index;  ///< of this one among them
    unsigned origin;
    void *_Nullable anchor;
};
enum { OTEL_CURLH_HEADER = 1, OTEL_CURLH_LAST_REQUEST = -1, OTEL_CURLHE_OK = 0 };

/// One loaded libcurl: its functions, resolved in one object so that a handle never reaches another flavour's library.
struct otel_curl_library {
    uintptr_t base, end;
    uintptr_t number; ///< below OTEL_CURL_LIBRARIES
#define OTEL_CURL_MEMBER(member, name, result, parameters) result(*_Nonnull member) parameters;
    OTEL_CURL_EASY(OTEL_CURL_MEMBER)
    OTEL_CURL_CALLED(OTEL_CURL_MEMBER)
#undef OTEL_CURL_MEMBER
#define OTEL_CURL_MEMBER(member, name, result, parameters) result(*_Nullable member) parameters;
    OTEL_CURL_MULTI(OTEL_CURL_MEMBER)
    OTEL_CURL_HEADERS(OTEL_CURL_MEMBER)
#undef OTEL_CURL_MEMBER
};

// Values of <curl/curl.h> that are used; its ABI promise is that they never change (docs/libcurl/ABI.md).
enum {
    OTEL_CURLE_OK = 0,
    OTEL_CURLOPT_URL = 10002,
    OTEL_CURLOPT_POSTFIELDS = 10015,
    OTEL_CURLOPT_REFERER = 10016,
    OTEL_CURLOPT_USERAGENT = 10018,
    OTEL_CURLOPT_COOKIE = 10022,
    OTEL_CURLOPT_ACCEPT_ENCODING = 10102,
    OTEL_CURLOPT_HTTPHEADER = 10023,
    OTEL_CURLOPT_HTTPPOST = 10024,
    OTEL_CURLOPT_CUSTOMREQUEST = 10036,
    OTEL_CURLOPT_PORT = 3,
    OTEL_CURLOPT_NOBODY = 44,
    OTEL_CURLOPT_FOLLOWLOCATION = 52,
    OTEL_CURLOPT_HTTPAUTH = 107,
    OTEL_CURLOPT_PROXYAUTH = 111,
    OTEL_CURLOPT_AWS_SIGV4 = 10305,
    OTEL_CURLOPT_UPLOAD = 46,
    OTEL_CURLOPT_POST = 47,
    OTEL_CURLOPT_PUT = 54,
    OTEL_CURLOPT_HTTPGET = 80,
    OTEL_CURLOPT_CONNECT_ONLY = 141,
    OTEL_CURLOPT_PROXY = 10004,
    OTEL_CURLOPT_COPYPOSTFIELDS = 10165,
    OTEL_CURLOPT_HEADEROPT = 229,
    OTEL_CURLOPT_DEFAULT_PROTOCOL = 10238,
    OTEL_CURLOPT_MIMEPOST = 10269,
    OTEL_CURLOPT_CURLU = 10282,
    OTEL_CURLHEADER_UNIFIED = 0,
    OTEL_CURLAUTH_BASIC = 1,
    OTEL_CURLAUTH_AWS_SIGV4 = 1 << 7,
    OTEL_CURLINFO_EFFECTIVE_URL = 0x100001,
    OTEL_CURLINFO_RESPONSE_CODE = 0x200002,
    OTEL_CURLINFO_PRIMARY_IP = 0x100020,
    OTEL_CURLINFO_PRIMARY_PORT = 0x200028,
    OTEL_CURLINFO_HTTP_VERSION = 0x20002e,
    OTEL_CURLINFO_EFFECTIVE_METHOD = 0x10003a,
    OTEL_CURLINFO_OS_ERRNO = 0x200019,
    OTEL_CURLINFO_REQUEST_SIZE = 0x20000c,
    OTEL_CURLINFO_REDIRECT_COUNT = 0x200014,
    OTEL_CURLINFO_HTTP_CONNECTCODE = 0x200016,
    OTEL_CURLINFO_NUM_CONNECTS = 0x20001a,
    OTEL_CURLINFO_TOTAL_TIME_T = 0x600032,
    OTEL_CURLINFO_NAMELOOKUP_TIME_T = 0x600033,
    OTEL_CURLINFO_CONNECT_TIME_T = 0x600034,
    OTEL_CURLINFO_PRETRANSFER_TIME_T = 0x600035,
    OTEL_CURLINFO_STARTTRANSFER_TIME_T = 0x600036,
    OTEL_CURLINFO_REDIRECT_TIME_T = 0x600037,
    OTEL_CURLINFO_APPCONNECT_TIME_T = 0x600038,
};

/// struct curl_slist, as every libcurl has it.
struct otel_header_list {
    const char *_Nullable text;
    struct otel_header_list *_Nullable next;
};

/// What is known of one easy handle, from the options that were set. Fixed size, in a static table; OTEL_CURL_URL bytes of URL.
enum { OTEL_CURL_METHOD = 32, OTEL_CURL_INJECTION = 640, OTEL_CURL_URL = 3264, OTEL_CURL_HANDLE_SIZE = 4096 };
struct otel_curl_handle {
    uint64_t key; ///< the handle's address; 0: free, 1: was in use
    const struct otel_curl_library *_Nullable library;
    struct otel_header_list *_Nullable headers; ///< the program's list; ours never
    /// What is in front of the program's list during a transfer: nodes from the beginning on, their texts from the end on.
    uint64_t injection[OTEL_CURL_INJECTION / 8];
    /// The span of a transfer that runs in the multi handle `subject`; `state` 0: there is none. `detail`: when it was first driven.
    struct otel_call transfer;
    uint16_t url_count;  ///< of `url`, which is redacted
    uint16_t host_start; ///< of server.address in `url`
    uint16_t host_count;
    uint16_t port;
    uint16_t url_port;      ///< by the URL alone
    uint16_t port_option;   ///< CURLOPT_PORT, which takes the place of that; 0: not set
    uint16_t next_undriven; ///< see otel_curl_multi; a record's number is its index in the table, from 1 on
    uint8_t lacks_scheme;   ///< of the URL, as the program gave it
    uint8_t url_sources;    ///< URLSource
    uint8_t url_kind;   ///< URLKind
    uint8_t method;     ///< RequestMethod
    uint8_t no_body;
    uint8_t custom_method_count;
    uint8_t forbids_headers;  ///< why no header may be added, HeaderObstacle; 0: one may
    uint8_t follows;          ///< CURLOPT_FOLLOWLOCATION
    uint8_t authenticates;    ///< CURLOPT_HTTPAUTH or CURLOPT_PROXYAUTH is more than Basic, which asks before it answers
    uint8_t default_protocol; ///< CURLOPT_DEFAULT_PROTOCOL was set
    uint8_t injecting;
    uint8_t url_is_ascii;
    uint8_t custom_method_is_known;
    uint8_t has_exporter_agent; ///< CURLOPT_USERAGENT is that of an OTLP exporter
    uint8_t connects_only;      ///< CURLOPT_CONNECT_ONLY is 1: there will be no request
    uint8_t proxy;              ///< ProxyChoice, by CURLOPT_PROXY
    uint8_t custom_method[OTEL_CURL_METHOD];
    uint8_t url[OTEL_CURL_URL];
};
_Static_assert(sizeof(struct otel_curl_handle) <= OTEL_CURL_HANDLE_SIZE, "a handle's record grew past its place in the table");

/// What is known of one multi handle that transfers were added to. Static memory, as handles' records are.
enum { OTEL_CURL_MULTIS = 64 };
struct otel_curl_multi {
    uint64_t key; ///< the handle's address; 0: free, 1: was in use
    const struct otel_curl_library *_Nullable library;
    uint64_t changed;  ///< when a driving call last ended with another number of running transfers; CLOCK_MONOTONIC, 0: never
    uint32_t running;  ///< how many those were, and those added since
    uint32_t undriven; ///< recorded transfers that no driving call has seen yet
    uint16_t first_undriven; ///< the number of the last of them, which knows the one before it (`next_undriven`); 0: they have to be looked for
    uint16_t unused[15];
};
_Static_assert(sizeof(struct otel_curl_multi) == 64, "one cache line each");
extern struct otel_curl_multi otel_curl_multis[OTEL_CURL_MULTIS];

/// One byte for each record in the table of handles: whether its transfer runs in a multi handle. Where to look for those of one.
enum { OTEL_CURL_HANDLES = OTEL_CURL_STORAGE / OTEL_CURL_HANDLE_SIZE };
enum { OTEL_CURL_IDLE = 0, OTEL_CURL_ADDED = 1 };
extern uint8_t otel_curl_stages[OTEL_CURL_HANDLES] __attribute__((aligned(8)));
static inline uint8_t *otel_curl_stage(int index) { return &otel_curl_stages[index & (OTEL_CURL_HANDLES - 1)]; }
/// Another OpenTelemetry SDK in the program: what its exporter's requests have shown.
enum otel_other_sdk { OTEL_SDK_UNSEEN = 0, OTEL_SDK_SEEN = 1, OTEL_SDK_IGNORED = 2 };
extern uint8_t otel_other_sdk_word;
static inline enum otel_other_sdk otel_other_sdk(void) { return (enum otel_other_sdk)__atomic_load_n(&otel_other_sdk_word, __ATOMIC_RELAXED); }
static inline void otel_set_other_sdk(enum otel_other_sdk what) { __atomic_store_n(&otel_other_sdk_word, (uint8_t)what, __ATOMIC_RELAXED); }
/// Whether a transfer's phases are recorded as spans of their own. Written once, before the hooks are live.
enum otel_curl_phases { OTEL_CURL_PHASES_OFF = 0, OTEL_CURL_PHASES_ON = 1, OTEL_CURL_PHASES_BESIDE_PROXY = 2 };
extern uint8_t otel_curl_phases_word;
static inline enum otel_curl_phases otel_curl_phases(void) { return (enum otel_curl_phases)__builtin_expect(otel_curl_phases_word, 0); }
static inline void otel_set_curl_phases(enum otel_curl_phases which) { otel_curl_phases_word = (uint8_t)which; }
static inline void *otel_curl_multi_storage(void) { return otel_curl_multis; }

/// For the capture of headers, beside each record in the table of handles: what options said that become headers, and room for one header
/// on its way into a span, which there is not on every stack.
enum otel_curl_option { OTEL_CURL_OPTION_AGENT, OTEL_CURL_OPTION_REFERER, OTEL_CURL_OPTION_ENCODING, OTEL_CURL_OPTION_COOKIE, OTEL_CURL_OPTIONS };
enum { OTEL_CURL_OPTION_TEXT = 254, OTEL_CURL_HEADER_NAME = 104, OTEL_CURL_HEADER_VALUES = 8, OTEL_CURL_HEADER_URL = 536 };
struct otel_curl_headers {
    struct {
        uint16_t count; ///< of `text`; 0: not set
        uint8_t text[OTEL_CURL_OPTION_TEXT];
    } options[OTEL_CURL_OPTIONS];
    uintptr_t values[2 * OTEL_CURL_HEADER_VALUES]; ///< OTelPrimitives.Text
    uint8_t name[OTEL_CURL_HEADER_NAME];
    uint8_t url[OTEL_CURL_HEADER_URL];
};
extern struct otel_curl_headers otel_curl_header_records[OTEL_CURL_HANDLES];
static inline struct otel_curl_headers *otel_curl_headers(int index) { return &otel_curl_header_records[index & (OTEL_CURL_HANDLES - 1)]; }
static inline uint16_t *otel_curl_option_count(struct otel_curl_headers *headers, int option) { return &headers->options[option & 3].count; }
static inline uint8_t *otel_curl_option_text(struct otel_curl_headers *headers, int option) { return headers->options[option & 3].text; }
static inline void *otel_curl_header_values(struct otel_curl_headers *headers) { return headers->values; }
static inline uint8_t *otel_curl_header_name(struct otel_curl_headers *headers) { return headers->name; }
static inline uint8_t *otel_curl_header_url(struct otel_curl_headers *headers) { return headers->url; }
/// The header `name` number `index` of the last response, or null. Valid until the next transfer.
static inline const struct otel_curl_header *_Nullable otel_curl_response_header(
    const struct otel_curl_library *library, void *handle, const char *name, size_t index) {
    struct otel_curl_header *found = NULL;
    if (!library->header || OTEL_FAULT("libcurl tells a header")) return NULL;
    return library->header(handle, name, index, OTEL_CURLH_HEADER, OTEL_CURLH_LAST_REQUEST, &found) == OTEL_CURLHE_OK ? found : NULL;
}
/// The one behind `previous`, or null. That of the call before is overwritten by it.
static inline struct otel_curl_header *_Nullable otel_curl_next_header(
    const struct otel_curl_library *library, void *handle, struct otel_curl_header *_Nullable previous) {
    if (!library->next_header || OTEL_FAULT("libcurl tells the next header")) return NULL;
    return library->next_header(handle, OTEL_CURLH_HEADER, OTEL_CURLH_LAST_REQUEST, previous);
}

/// Nodes of what the propagators have beside a fixed number of headers, for each record in the table of handles: baggage, a header for each member.
enum { OTEL_CURL_BAGGAGE_NODES = 128 };
extern struct otel_header_list otel_curl_baggage_records[OTEL_CURL_HANDLES][OTEL_CURL_BAGGAGE_NODES];
static inline struct otel_header_list *otel_curl_baggage_nodes(int index) { return otel_curl_baggage_records[index & (OTEL_CURL_HANDLES - 1)]; }

// Addresses of array members: Swift sees arrays as tuples.
static inline uint8_t *otel_curl_url(struct otel_curl_handle *handle) { return handle->url; }
static inline uint8_t *otel_curl_custom_method(struct otel_curl_handle *handle) { return handle->custom_method; }
static inline struct otel_call *otel_curl_transfer(struct otel_curl_handle *handle) { return &handle->transfer; }
static inline void *otel_curl_injection(struct otel_curl_handle *handle) { return handle->injection; }

/// A string that libcurl owns, or null. Valid until the next call with the handle.
static inline const char *_Nullable otel_curl_string(const struct otel_curl_library *library, void *handle, int info) {
    const char *value = NULL;
    return !OTEL_FAULT("libcurl tells a text") && library->getinfo(handle, info, &value) == OTEL_CURLE_OK ? value : NULL;
}
/// A number of 64 bits, or -1.
static inline int64_t otel_curl_large_number(const struct otel_curl_library *library, void *handle, int info) {
    int64_t value = -1;
    return !OTEL_FAULT("libcurl tells a time") && library->getinfo(handle, info, &value) == OTEL_CURLE_OK ? value : -1;
}
/// A number, or -1.
static inline long otel_curl_number(const struct otel_curl_library *library, void *handle, int info) {
    long value = -1;
    return !OTEL_FAULT("libcurl tells a number") && library->getinfo(handle, info, &value) == OTEL_CURLE_OK ? value : -1;
}
static inline bool otel_curl_set_headers(const struct otel_curl_library *library, void *handle, struct otel_header_list *_Nullable list) {
    return !OTEL_FAULT("libcurl takes a header") && library->setopt(handle, OTEL_CURLOPT_HTTPHEADER, list) == OTEL_CURLE_OK;
}

// MARK: The table

/// Each function: any thread, async-signal-safe, returns quickly; errno is the wrapper's business.
struct otel_hook_table {
    /// Without the address: until the kernel has read it, it may be anything (EFAULT).
    void (*connect_enter)(struct otel_call *call, int descriptor);
    /// Called when the enter has set `call->state`, and for a descriptor on which a connect is in progress. `error` is errno when
    /// `result` is -1.
    void (*connect_exit)(struct otel_call *call, int descriptor, const struct sockaddr *_Nullable address, uint32_t length, int result, int error);
    /// After socket(2) returned `descriptor`.
    void (*socket_opened)(int descriptor, int domain, int type, int protocol);
    // What follows is called for descriptors whose hint is OTEL_SOCKET_CONNECTING.
    /// The program has read SO_ERROR: 0 or an errno.
    void (*socket_error_read)(int descriptor, int error);
    /// The program has used `descriptor` as one that is connected; `error` is errno, 0 when it succeeded.
    void (*socket_used)(int descriptor, int error);
    /// The program closes the descriptors from `first` to `last`.
    void (*descriptors_closed)(unsigned first, unsigned last);

    /// Around a look-up of `name`; the exits are called only when the enter has set `lookup->call.state`. `asks_canonical`: AI_CANONNAME.
    void (*lookup_enter)(struct otel_lookup *lookup, const char *name, bool asks_canonical);
    /// After getaddrinfo(3) returned `error`; with 0, and only then, there are `addresses`.
    void (*lookup_exit)(struct otel_lookup *lookup, int error, const struct addrinfo *_Nullable addresses);
    /// After one of the gethostbyname(3) family. `error`: h_errno, 0 when there is an answer; `number`: an errno that says
    /// more, or 0. `host` is read, if given.
    void (*host_lookup_exit)(struct otel_lookup *lookup, int error, int number, const struct hostent *_Nullable host);
    /// False: look-ups are forwarded, as without a table.
    bool traces_dns;

    void (*curl_opened)(const struct otel_curl_library *library, void *handle);
    void (*curl_copied)(const struct otel_curl_library *library, void *source, void *handle);
    /// Before the real reset: afterwards libcurl knows nothing of a transfer.
    void (*curl_reset)(void *handle);
    /// Before the real cleanup: afterwards the address may be another handle's.
    void (*curl_closed)(void *handle);
    /// After libcurl took the option; `value` is what the caller passed, widened.
    void (*curl_option)(void *handle, int option, uintptr_t value);
    const struct otel_curl_library *_Nullable (*_Nonnull curl_library)(void *handle);
    void (*curl_perform_enter)(struct otel_call *call, const struct otel_curl_library *library, void *handle);
    void (*curl_perform_exit)(struct otel_call *call, const struct otel_curl_library *library, void *handle, int result);

    const struct otel_curl_library *_Nullable (*_Nonnull curl_multi_library)(void *multi);
    /// Number of the library that the thread is in the middle of a traced call of: it is certainly loaded. -1: of none.
    /// `frame`: any address in the calling wrapper's frame.
    int (*curl_current_library)(void *frame);
    /// Before curl_multi_add_handle, and after one that failed, if the enter has set `call->state`.
    void (*curl_multi_add_enter)(struct otel_call *call, const struct otel_curl_library *library, void *multi, void *handle);
    void (*curl_multi_add_failed)(struct otel_call *call, void *multi, void *handle);
    /// After libcurl took `handle` out.
    void (*curl_multi_removed)(void *multi, void *handle);
    /// The program has read that `handle` is done, with `result`.
    void (*curl_multi_done)(void *multi, void *handle, int result);
    /// Before the real cleanup.
    void (*curl_multi_closed)(void *multi);
    /// Around a call that drives transfers; the exit is called only when the enter has set `call->state`. `running`: how many transfers
    /// are not done; -1: not known.
    void (*curl_multi_drive_enter)(struct otel_call *call, void *multi);
    void (*curl_multi_drive_exit)(struct otel_call *call, void *multi, int running);
    /// A libcurl call that went to a real function untraced.
    void (*curl_unresolved)(void);
    /// False: the functions of libcurl are forwarded, as without a table.
    bool traces_curl;
    /// Whether dlsym gives wrappers out for libcurl's functions.
    bool answers_dlsym;
    /// False: dlopen loads plug-ins of libcurl's without RTLD_DEEPBIND.
    bool keeps_deepbind;

    /// An exception or a cancellation unwinds the innermost hooked call around `frame`, an address on the stack that is unwound.
    void (*unwound)(void *frame);
    /// The process runs its destructors.
    void (*ending)(void);
    /// Fills in where the regions are that a fork child will not have, or null; returns the size of each.
    size_t (*regions)(void *_Nullable *_Nonnull current, void *_Nullable *_Nonnull retiring);
};

/// Makes `table` live, or, with null, every hook a pass-through: a store, and another one for libcurl. Any thread.
void otel_hooks_install(const struct otel_hook_table *_Nullable table);

#pragma clang assume_nonnull end
#include "otel_descriptors.h"
