// Where a process and its relay meet. See docs/region.md, "Finding the relay".
//
// Everything here is raw system calls on the caller's own descriptors: the agent calls it from its helper (otel_helper.h), the
// launcher and the relay call it as it is. Not thread-safe against a change of the strings it is given; async-signal-safe.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// OTEL_NATIVE_RELAY.
enum otel_relay_mode {
    OTEL_RELAY_AUTO = 0,     ///< use the relay that is there, start one if there is none (not as pid 1)
    OTEL_RELAY_PATH = 1,     ///< unix:/path: use the relay listening there, never start one; the directory's owner and mode decide
    OTEL_RELAY_EXTERNAL = 2, ///< use the relay that is there, never start one
    OTEL_RELAY_START = 3,    ///< as auto, also as pid 1
    OTEL_RELAY_OFF = 4,
};

/// A socket address: `path` is NUL-terminated and either a path ('/' first) or an abstract name ('@' first).
struct otel_rendezvous {
    char path[108];
    bool any_peer; ///< OTEL_RELAY_PATH: do not compare user ids
};

/// Who the caller is; strings are borrowed for the call.
struct otel_rendezvous_environment {
    enum otel_relay_mode mode;
    const char *_Nullable path;                  ///< for OTEL_RELAY_PATH, absolute
    const char *_Nullable runtime_directory;     ///< XDG_RUNTIME_DIR
};

/// The private rendezvous of this user in these name spaces: `$XDG_RUNTIME_DIR/otelagent/`, else `/run/otelagent/<uid>/` (each only
/// when it is ours and 0700), else an abstract name with the layout's version and the inode numbers of our mount, pid and user name
/// spaces. Returns 0, or -errno when there is none.
int otel_rendezvous_private(const struct otel_rendezvous_environment *environment, struct otel_rendezvous *rendezvous);
/// The rendezvous of a relay that serves every user (`otel-relay --system`), `/run/otelagent/relay-v1.sock`.
void otel_rendezvous_system(struct otel_rendezvous *rendezvous);

/// Whether `program` is to be left alone at `time` (Unix, nanoseconds): a relay wrote so into the file OTEL_CRASHES beside a private
/// rendezvous, as lines "<until, in seconds> <crashes in a row> <last, in seconds> <path>". False where there is no such file.
#define OTEL_CRASHES "crashes"
bool otel_rendezvous_leaves_out(const struct otel_rendezvous *rendezvous, const char *program, uint64_t time);

/// Connects (SOCK_SEQPACKET, non-blocking, close-on-exec) and checks that the peer has our uid or is uid 0 of our user name space.
/// Returns the descriptor, or -errno: -ECONNREFUSED and -ENOENT say that nobody listens, -EAGAIN that the queue is full.
int otel_rendezvous_connect(const struct otel_rendezvous *rendezvous);

struct otel_listener {
    int socket;
    int lock; ///< -1 for an abstract name, which needs none: it goes with its socket
};
/// Binds and listens; this is the election. For a path, a lock file beside it is held first, so that a dead relay's socket may be
/// replaced and a live one never is. Returns 0, or -errno: -EADDRINUSE when another one was first.
int otel_rendezvous_listen(const struct otel_rendezvous *rendezvous, struct otel_listener *listener);

// MARK: Messages, one packet each

enum { OTEL_MESSAGE_MAGIC = 0x6c65746f, OTEL_LAYOUT_MAJOR = 1 };
enum otel_message_kind {
    OTEL_MESSAGE_REGION = 1, ///< carries a descriptor (SCM_RIGHTS), a region, and perhaps a second one (otel_tls_files.h); no answer
    OTEL_MESSAGE_STATUS = 2, ///< answered by packets of UTF-8 text, then end of file
    OTEL_MESSAGE_DRAIN = 3,  ///< answered by one packet "drained\n" once everything that had arrived was exported or given up
    OTEL_MESSAGE_STATUS_JSON = 4, ///< as OTEL_MESSAGE_STATUS, answered in JSON
    OTEL_MESSAGE_PROCESS = 5, ///< behind OTEL_MESSAGE_REGION: carries a pidfd of the region's process; no answer
    OTEL_MESSAGE_CHILD = 6, ///< an otel_child_message: by the first process of a pid name space, of its child; no answer
};
struct otel_message {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;
};
/// A parent says that it will tell how its child ends; and, later and by the same connection, how it did.
struct otel_child_message {
    struct otel_message head;
    int32_t process_id; ///< in the pid name space of both
    int32_t status;     ///< as waitpid(2) has it; OTEL_CHILD_RUNS
};
enum { OTEL_CHILD_RUNS = -1 };
/// Never blocks. Returns 0 or -errno.
int otel_child_message_send(int socket, int process_id, int status);
/// Sends `kind`, with `descriptor` when it is not -1; never blocks. Returns 0 or -errno.
int otel_message_send(int socket, enum otel_message_kind kind, int descriptor);
/// The same with a `second` descriptor when that is not -1.
int otel_message_send_with(int socket, enum otel_message_kind kind, int descriptor, int second);

// MARK: Relay

struct otel_relay_start {
    struct otel_rendezvous_environment environment;
    bool may_start;
    const char *_Nullable executable;                       ///< absolute path of otel-relay; null: it is beside `agent`
    const char *_Nullable agent;                            ///< absolute path of libotelagent.so, or of a link to it
    char *_Nullable const *_Nullable variables;             ///< its environment: NULL-terminated
    int region;                                             ///< descriptor to hand over, or -1: only see that a relay is there
    int tls_files;                                          ///< with it, or -1: see otel_tls_files.h
    const char *_Nullable program;                          ///< absolute path of the program, for otel_rendezvous_leaves_out
    uint64_t time;                                          ///< with it: Unix time in nanoseconds
};
enum otel_relay_outcome {
    OTEL_RELAY_FOUND = 1,   ///< handed over to (or: there is) a relay
    OTEL_RELAY_STARTED = 2, ///< none was there; we were elected and started one
};
/// Hands `region` over, electing and starting a relay when nobody is there and `may_start`. To be run in a helper: the relay becomes
/// a child of the calling process, which has to exit for the relay to be nobody's. Returns an `otel_relay_outcome` or -errno:
/// -ECANCELED when `program` is to be left alone.
int otel_relay_find_or_start(const struct otel_relay_start *start);

#pragma clang assume_nonnull end
