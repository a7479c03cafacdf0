#define _GNU_SOURCE
#include "include/otel_rendezvous.h"
#include "include/otel_helper.h"
#include "include/otel_name_space.h"
#include "include/otel_syscall.h"
#include "include/otel_valgrind.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

// MARK: Names

/// The directory is there, is one, is ours, and nobody else may enter it.
static bool is_private(int at, const char *path, int flags) {
    struct stat found;
    if (otel_syscall4(SYS_newfstatat, at, path, &found, flags) < 0) return false;
    return S_ISDIR(found.st_mode) && found.st_uid == (uid_t)otel_syscall0(SYS_geteuid) && (found.st_mode & 077) == 0;
}
static bool is_private_directory(const char *path) { return is_private(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW); }

/// Makes `name` in `parent`, if that is a private directory. By a descriptor: by its path it may be another one by now, or a link to one.
static void make_directory(const char *parent, const char *name) {
    long directory = otel_syscall4(SYS_openat, AT_FDCWD, parent, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (directory < 0) return;
    if (is_private((int)directory, "", AT_EMPTY_PATH)) otel_syscall3(SYS_mkdirat, directory, name, 0700);
    otel_syscall1(SYS_close, directory);
}

static bool put_in_directory(struct otel_rendezvous *rendezvous, const char *directory, const char *file) {
    if (strlen(directory) + strlen(file) + 2 > sizeof rendezvous->path || OTEL_FAULT("path of the socket fits")) return false;
    struct text text = {rendezvous->path, rendezvous->path + sizeof rendezvous->path - 1};
    text_put(&text, directory);
    text_put(&text, "/");
    text_put(&text, file);
    return true;
}

static bool put_name_space(struct text *text, const char *link) {
    uint64_t number = otel_name_space(link);
    if (number != 0) text_put_number(text, number);
    return number != 0;
}

/// A user without a number in our user name space has the kernel's overflow number, as all others without one have. So after
/// unshare(CLONE_NEWUSER), until somebody maps users, everybody's directories and sockets look like our own.
static bool is_somebody(unsigned long uid) {
    enum { OVERFLOW = 65534 };
    if (uid != OVERFLOW) return true;
    char map[4096];
    long file = otel_syscall4(SYS_openat, AT_FDCWD, "/proc/self/uid_map", O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) return false;
    long length = otel_syscall3(SYS_read, file, map, sizeof map);
    otel_syscall1(SYS_close, file);
    // Lines of three numbers: first inside, first outside, count (user_namespaces(7)).
    unsigned long numbers[3] = {0};
    int field = 0;
    for (long i = 0; i < length; i++) {
        bool is_digit = map[i] >= '0' && map[i] <= '9', ended = i > 0 && map[i - 1] >= '0' && map[i - 1] <= '9' && !is_digit;
        if (is_digit && field < 3) numbers[field] = numbers[field] * 10 + (unsigned long)(map[i] - '0');
        if (ended) field++;
        if (map[i] != '\n') continue;
        if (uid >= numbers[0] && uid - numbers[0] < numbers[2]) return true;
        numbers[0] = numbers[1] = numbers[2] = 0;
        field = 0;
    }
    return false;
}

#define SOCKET_NAME "relay-v1.sock"
_Static_assert(OTEL_LAYOUT_MAJOR == 1, "the layout's major version is part of the names");

int otel_rendezvous_private(const struct otel_rendezvous_environment *environment, struct otel_rendezvous *rendezvous) {
    rendezvous->any_peer = false;
    if (environment->mode == OTEL_RELAY_PATH) {
        if (!environment->path || strlen(environment->path) >= sizeof rendezvous->path || OTEL_FAULT("path of OTEL_NATIVE_RELAY fits")) return -ENAMETOOLONG;
        struct text text = {rendezvous->path, rendezvous->path + sizeof rendezvous->path - 1};
        text_put(&text, environment->path);
        rendezvous->any_peer = true;
        return 0;
    }
    unsigned long uid = (unsigned long)otel_syscall0(SYS_geteuid);
    if (!is_somebody(uid)) return -EACCES;
    const char *runtime = environment->runtime_directory;
    char directory[sizeof rendezvous->path];
    if (runtime && runtime[0] == '/' && strlen(runtime) + sizeof "/otelagent" < sizeof directory && is_private_directory(runtime)) {
        struct text text = {directory, directory + sizeof directory - 1};
        text_put(&text, runtime);
        text_put(&text, "/otelagent");
        if (!is_private_directory(directory)) make_directory(runtime, "otelagent");
        if (is_private_directory(directory) && put_in_directory(rendezvous, directory, SOCKET_NAME)) return 0;
    }
    struct text text = {directory, directory + sizeof directory - 1};
    text_put(&text, "/run/otelagent/");
    text_put_number(&text, uid);
    if (is_private_directory(directory) && put_in_directory(rendezvous, directory, SOCKET_NAME)) return 0;

    // Abstract sockets are shared by everything in one network name space; with them would go API keys (CVE-2020-15257). So a
    // process of another container, which has other name spaces, finds another name.
    text = (struct text){rendezvous->path, rendezvous->path + sizeof rendezvous->path - 1};
    text_put(&text, "@otelagent/");
    text_put_number(&text, OTEL_LAYOUT_MAJOR);
    text_put(&text, "/");
    text_put_number(&text, uid);
    text_put(&text, "/");
    if (!put_name_space(&text, "/proc/self/ns/mnt")) return -ENOENT;
    text_put(&text, ".");
    if (!put_name_space(&text, "/proc/self/ns/pid")) return -ENOENT;
    text_put(&text, ".");
    if (!put_name_space(&text, "/proc/self/ns/user")) return -ENOENT;
    return 0;
}

bool otel_rendezvous_leaves_out(const struct otel_rendezvous *rendezvous, const char *program, uint64_t time) {
    if (rendezvous->path[0] != '/' || rendezvous->any_peer) return false;
    char name[sizeof rendezvous->path + sizeof OTEL_CRASHES], lines[4096];
    struct text text = {name, name + sizeof name - 1};
    size_t directory = strlen(rendezvous->path);
    while (rendezvous->path[directory - 1] != '/') directory--;
    text_put_bytes(&text, rendezvous->path, directory);
    text_put(&text, OTEL_CRASHES);
    long file = otel_syscall4(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
    if (file < 0) return false;
    long length = otel_syscall3(SYS_read, file, lines, sizeof lines);
    otel_syscall1(SYS_close, file);
    size_t expected = strlen(program);
    for (long start = 0, end; start < length; start = end + 1) {
        for (end = start; end < length && lines[end] != '\n';) end++;
        uint64_t until = 0;
        long at = start;
        for (; at < end && lines[at] >= '0' && lines[at] <= '9'; at++) until = until * 10 + (uint64_t)(lines[at] - '0');
        for (int spaces = 0; at < end && spaces < 3; at++) spaces += lines[at] == ' ';
        bool is_whole = end < length, is_program = (size_t)(end - at) == expected && memcmp(lines + at, program, expected) == 0;
        if (is_whole && is_program && time / 1000000000 < until) return true;
    }
    return false;
}

void otel_rendezvous_system(struct otel_rendezvous *rendezvous) {
    rendezvous->any_peer = false;
    put_in_directory(rendezvous, "/run/otelagent", SOCKET_NAME);
}

// MARK: Sockets

static long address_of(const struct otel_rendezvous *rendezvous, struct sockaddr_un *address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    size_t length = strlen(rendezvous->path);
    memcpy(address->sun_path, rendezvous->path, length);
    if (rendezvous->path[0] == '@') address->sun_path[0] = 0;
    // An abstract name is all its bytes; a path has its NUL.
    return (long)(offsetof(struct sockaddr_un, sun_path) + length + (rendezvous->path[0] == '@' ? 0 : 1));
}

static int new_socket(void) { return (int)otel_syscall3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

int otel_rendezvous_connect(const struct otel_rendezvous *rendezvous) {
    struct sockaddr_un address;
    long length = address_of(rendezvous, &address);
    int peer = new_socket();
    if (peer < 0) return peer;
    long result = otel_syscall3(SYS_connect, peer, &address, length);
    struct ucred who = {0};
    socklen_t size = sizeof who;
    if (result >= 0 && !rendezvous->any_peer) {
        result = otel_syscall5(SYS_getsockopt, peer, SOL_SOCKET, SO_PEERCRED, &who, &size);
        if (result >= 0 && who.uid != (uid_t)otel_syscall0(SYS_geteuid) && who.uid != 0) result = -EACCES;
    }
    if (result >= 0) return peer;
    otel_syscall1(SYS_close, peer);
    return (int)result;
}

static int listen_on(const struct otel_rendezvous *rendezvous) {
    struct sockaddr_un address;
    long length = address_of(rendezvous, &address);
    int listener = new_socket();
    if (listener < 0) return listener;
    long result = otel_syscall3(SYS_bind, listener, &address, length);
    if (result >= 0) result = otel_syscall2(SYS_listen, listener, 4096);
    if (result >= 0) return listener;
    otel_syscall1(SYS_close, listener);
    return (int)result;
}

int otel_rendezvous_listen(const struct otel_rendezvous *rendezvous, struct otel_listener *listener) {
    listener->lock = -1;
    if (rendezvous->path[0] == '@') {
        listener->socket = listen_on(rendezvous);
        return listener->socket < 0 ? listener->socket : 0;
    }
    char name[sizeof rendezvous->path + sizeof ".lock"];
    struct text text = {name, name + sizeof name - 1};
    text_put(&text, rendezvous->path);
    text_put(&text, ".lock");
    long lock = otel_syscall4(SYS_openat, AT_FDCWD, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) return (int)lock;
    long result = otel_syscall2(SYS_flock, lock, LOCK_EX | LOCK_NB);
    if (result >= 0) {
        // Ours alone from here: whatever socket is there belongs to a relay that is dead.
        otel_syscall3(SYS_unlinkat, AT_FDCWD, rendezvous->path, 0);
        result = listener->socket = listen_on(rendezvous);
    }
    if (result >= 0) {
        listener->lock = (int)lock;
        return 0;
    }
    otel_syscall1(SYS_close, lock);
    return result == -EWOULDBLOCK ? -EADDRINUSE : (int)result;
}

int otel_message_send(int socket, enum otel_message_kind kind, int descriptor) {
    return otel_message_send_with(socket, kind, descriptor, -1);
}

int otel_message_send_with(int socket, enum otel_message_kind kind, int descriptor, int second) {
    struct otel_message message = {OTEL_MESSAGE_MAGIC, OTEL_LAYOUT_MAJOR, (uint16_t)kind};
    struct iovec payload = {&message, sizeof message};
    int descriptors[2] = {descriptor, second};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof descriptors)];
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr header = {.msg_iov = &payload, .msg_iovlen = 1};
    if (descriptor >= 0) {
        size_t length = second >= 0 ? sizeof descriptors : sizeof descriptor;
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(length);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(length);
        memcpy(CMSG_DATA(&control.head), descriptors, length);
    }
    long sent = otel_syscall3(SYS_sendmsg, socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? (int)sent : 0;
}

int otel_child_message_send(int socket, int process_id, int status) {
    struct otel_child_message message = {{OTEL_MESSAGE_MAGIC, OTEL_LAYOUT_MAJOR, OTEL_MESSAGE_CHILD}, process_id, status};
    long sent = otel_syscall6(SYS_sendto, socket, (long)&message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
    return sent < 0 ? (int)sent : 0;
}

// MARK: Finding and starting

/// The number in `*text`, which is left behind it.
static int number(const char **text) {
    int value = 0;
    while (**text >= '0' && **text <= '9' && value < 100000) value = value * 10 + *(*text)++ - '0';
    return value;
}

/// Whether a pidfd tells how its process ended: PIDFD_GET_INFO with PIDFD_INFO_EXIT, Linux 6.15.
static bool pidfds_tell_the_end(void) {
    struct utsname system;
    if (otel_syscall1(SYS_uname, &system) < 0) return false;
    const char *release = system.release;
    int major = number(&release);
    if (*release++ != '.') return false;
    return major > 6 || (major == 6 && number(&release) >= 15);
}

/// Shows the relay whose region it was, so that it can learn later how that process ended, which nobody but the parent could otherwise. Last of
/// all: what a filter forbids here costs nothing that is needed. Not in valgrind, which says a word about each call that it does not know.
static void introduce_host(int peer) {
    if (!pidfds_tell_the_end() || otel_runs_in_valgrind()) return;
    long host = otel_syscall2(SYS_pidfd_open, otel_syscall0(SYS_getppid), 0);
    if (host < 0) return;
    otel_message_send(peer, OTEL_MESSAGE_PROCESS, (int)host);
    otel_syscall1(SYS_close, host);
}

/// Hands over to whoever listens at `rendezvous`. 0, or -errno.
static int hand_over(const struct otel_rendezvous *rendezvous, const struct otel_relay_start *start) {
    int peer = otel_rendezvous_connect(rendezvous);
    if (peer < 0) return peer;
    int result = start->region < 0 ? 0 : otel_message_send_with(peer, OTEL_MESSAGE_REGION, start->region, start->tls_files);
    if (result == 0 && start->region >= 0 && start->program && !rendezvous->any_peer) introduce_host(peer);
    otel_syscall1(SYS_close, peer);
    return result;
}

static bool nobody_listens(int result) { return result == -ECONNREFUSED || result == -ENOENT; }

/// The relay's path: beside the file that `agent` is, or leads to (the library directory holds a link). False when it cannot be told.
static bool relay_beside(const char *agent, char *path, size_t capacity) {
    long file = otel_syscall4(SYS_openat, AT_FDCWD, agent, O_PATH | O_CLOEXEC, 0);
    if (file < 0) return false;
    char link[40];
    struct text text = {link, link + sizeof link - 1};
    text_put(&text, "/proc/self/fd/");
    text_put_number(&text, (unsigned long)file);
    static const char name[] = "otel-relay";
    long length = otel_syscall4(SYS_readlinkat, AT_FDCWD, link, path, capacity - sizeof name);
    otel_syscall1(SYS_close, file);
    while (length > 0 && path[length - 1] != '/') length--;
    if (length <= 0) return false;
    memcpy(path + length, name, sizeof name);
    return true;
}

enum { ELECTION_MILLISECONDS = 5 };

static long milliseconds(void) {
    struct timespec now = {0, 0};
    otel_syscall2(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int otel_relay_find_or_start(const struct otel_relay_start *start) {
    struct otel_rendezvous rendezvous, system;
    int result = otel_rendezvous_private(&start->environment, &rendezvous);
    if (result < 0) return result;
    if (start->program && otel_rendezvous_leaves_out(&rendezvous, start->program, start->time)) return -ECANCELED;
    result = hand_over(&rendezvous, start);
    if (result == 0) return OTEL_RELAY_FOUND;
    if (!nobody_listens(result)) return result;
    if (start->environment.mode != OTEL_RELAY_PATH) {
        otel_rendezvous_system(&system);
        if (hand_over(&system, start) == 0) return OTEL_RELAY_FOUND;
    }
    char beside[1024];
    const char *executable = start->executable;
    if (start->may_start && !executable && start->agent && relay_beside(start->agent, beside, sizeof beside)) executable = beside;
    if (!start->may_start || !executable) return result;

    // Of many that find nobody, one is elected. The others see its name taken, perhaps a moment before it listens: they look again a
    // few times, without sleeping, and otherwise keep their region for a later record.
    long began = milliseconds();
    for (int attempt = 0; attempt < 64; attempt++) {
        struct otel_listener listener;
        result = otel_rendezvous_listen(&rendezvous, &listener);
        if (result == 0) {
            // Our region waits in the queue until the relay has started; so do those of all who come meanwhile.
            result = hand_over(&rendezvous, start);
            char *arguments[] = {(char *)"otel-relay", (char *)"--inherited", listener.lock < 0 ? NULL : (char *)"--locked", NULL};
            int spawned = otel_helper_spawn(executable, arguments, start->variables, listener.socket, listener.lock);
            otel_syscall1(SYS_close, listener.socket);
            if (listener.lock >= 0) otel_syscall1(SYS_close, listener.lock);
            if (spawned < 0) return spawned;
            return result < 0 ? result : OTEL_RELAY_STARTED;
        }
        if (result != -EADDRINUSE) return result;
        result = hand_over(&rendezvous, start);
        if (result == 0) return OTEL_RELAY_FOUND;
        if (!nobody_listens(result)) return result;
        // Each may take long where many wait for a processor.
        otel_syscall0(SYS_sched_yield);
        if (milliseconds() - began > ELECTION_MILLISECONDS) break;
    }
    return result;
}
