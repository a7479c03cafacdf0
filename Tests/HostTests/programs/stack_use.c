// stack_use URL NAME...: how many bytes of a thread's stack one call of each function takes, at most of three, after one that does not
// count: "NAME bytes" a line. The stack below the call is painted, and looked at afterwards. The first line is "first": of the first
// connect of the process. Ends with 6 when a call changed the thread's floating point control, locale, signal mask or alternate stack.
#define _GNU_SOURCE
#include "dial.h"
#include <curl/curl.h>
#include <dlfcn.h>
#include <locale.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/syscall.h>

enum { STACK = 512 << 10, PAINTED = 256 << 10, OWN = 512, PAINT = 0x5a };

static const char *url;
static int port, running;
static CURL *easy, *other;
static CURLM *multi;
static volatile uintptr_t sink;

static size_t take(char *bytes, size_t size, size_t count, void *unused) {
    (void)bytes, (void)unused;
    return size * count;
}

static CURL *handle(void) {
    CURL *made = curl_easy_init();
    curl_easy_setopt(made, CURLOPT_URL, url);
    curl_easy_setopt(made, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(made, CURLOPT_NOSIGNAL, 1L);
    return made;
}
static void nothing(void) {}
static void with_easy(void) { easy = handle(); }
static void without_easy(void) { curl_easy_cleanup(easy); }
static void without_other(void) { curl_easy_cleanup(other); }
static void with_multi(void) {
    easy = handle();
    multi = curl_multi_init();
}
static void with_transfer(void) {
    with_multi();
    curl_multi_add_handle(multi, easy);
    curl_multi_perform(multi, &running);
}
static void with_result(void) {
    with_transfer();
    while (running) {
        curl_multi_wait(multi, NULL, 0, 1000, NULL);
        curl_multi_perform(multi, &running);
    }
}
static void without_multi(void) {
    curl_multi_remove_handle(multi, easy);
    curl_multi_cleanup(multi);
    curl_easy_cleanup(easy);
}
static void without_easy_of_multi(void) { curl_easy_cleanup(easy); }

#define CALL(name, ...) \
    static void call_##name(void) { sink = (uintptr_t)(__VA_ARGS__); }
static int descriptor;
static struct sockaddr_in address;
static void with_socket(void) { descriptor = socket(AF_INET, SOCK_STREAM, 0); }
static void without_socket(void) { close(descriptor); }
CALL(connect, connect(descriptor, (struct sockaddr *)&address, sizeof address))
CALL(socket, descriptor = socket(AF_INET, SOCK_STREAM, 0))
// Sockets that are connected with each other; each can read a byte.
static int here, there;
static char byte;
static struct sockaddr_storage name;
static socklen_t length;
static struct iovec part = {&byte, 1};
static struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
static void with_pair(void) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bind(listener, (struct sockaddr *)&any, sizeof any);
    listen(listener, 1);
    length = sizeof any;
    getsockname(listener, (struct sockaddr *)&any, &length);
    here = socket(AF_INET, SOCK_STREAM, 0);
    connect(here, (struct sockaddr *)&any, sizeof any);
    there = accept(listener, NULL, NULL);
    close(listener);
    if (send(here, "a", 1, 0) + send(there, "b", 1, 0) != 2) exit(5);
    length = sizeof name;
}
static void without_pair(void) {
    close(here);
    close(there);
}
static struct addrinfo *addresses;
static void without_addresses(void) { freeaddrinfo(addresses); }
static struct hostent host, *found;
static char storage[8192];
static int problem;
CALL(getaddrinfo, getaddrinfo("localhost", NULL, NULL, &addresses))
CALL(gethostbyname, gethostbyname("localhost"))
CALL(gethostbyname2, gethostbyname2("localhost", AF_INET))
CALL(gethostbyname_r, gethostbyname_r("localhost", &host, storage, sizeof storage, &found, &problem))
CALL(gethostbyname2_r, gethostbyname2_r("localhost", AF_INET, &host, storage, sizeof storage, &found, &problem))
static int spare;
static void with_spare(void) { spare = dup(0); }
static void without_spare(void) { close(spare); }
static pid_t child;
static void without_child(void) { waitpid(child, NULL, 0); }
extern pid_t __fork(void), _Fork(void);
extern int __connect(int, const struct sockaddr *, socklen_t), __close(int), __dup2(int, int);
extern ssize_t __send(int, const void *, size_t, int), __read(int, void *, size_t), __write(int, const void *, size_t);
extern ssize_t __read_chk(int, void *, size_t, size_t), __recv_chk(int, void *, size_t, size_t, int);
extern ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
CALL(__connect, __connect(descriptor, (struct sockaddr *)&address, sizeof address))
CALL(getsockopt, getsockopt(here, SOL_SOCKET, SO_ERROR, &name, &length))
CALL(getpeername, getpeername(here, (struct sockaddr *)&name, &length))
CALL(close, close(spare))
CALL(__close, __close(spare))
CALL(dup2, dup2(0, spare))
CALL(__dup2, __dup2(0, spare))
CALL(dup3, dup3(0, spare, 0))
CALL(close_range, close_range(1000, 1001, 0))
static void call_closefrom(void) { closefrom(1000); }
CALL(send, send(here, "a", 1, 0))
CALL(__send, __send(here, "a", 1, 0))
CALL(sendto, sendto(here, "a", 1, 0, NULL, 0))
CALL(sendmsg, sendmsg(here, &message, 0))
CALL(recv, recv(here, &byte, 1, 0))
CALL(__recv_chk, __recv_chk(here, &byte, 1, 1, 0))
CALL(recvfrom, recvfrom(here, &byte, 1, 0, (struct sockaddr *)&name, &length))
CALL(__recvfrom_chk, __recvfrom_chk(here, &byte, 1, 1, 0, NULL, NULL))
CALL(recvmsg, recvmsg(here, &message, 0))
CALL(read, read(here, &byte, 1))
CALL(__read, __read(here, &byte, 1))
CALL(__read_chk, __read_chk(here, &byte, 1, 1))
CALL(write, write(here, "a", 1))
CALL(__write, __write(here, "a", 1))
CALL(writev, writev(here, &part, 1))
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#define FORK(name)                    \
    static void call_##name(void) {   \
        child = name();               \
        if (child == 0) _exit(0);     \
    }
FORK(fork)
FORK(__fork)
FORK(_Fork)
CALL(prctl, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
CALL(syscall, syscall(SYS_getpid))
CALL(dlsym, dlsym(RTLD_DEFAULT, "getpid"))
CALL(dlopen, dlopen(NULL, RTLD_NOW | RTLD_DEEPBIND))
CALL(curl_easy_init, easy = curl_easy_init())
CALL(curl_easy_duphandle, other = curl_easy_duphandle(easy))
CALL(curl_easy_setopt, curl_easy_setopt(easy, CURLOPT_URL, url))
CALL(curl_easy_perform, curl_easy_perform(easy))
static void call_curl_easy_reset(void) { curl_easy_reset(easy); }
static void call_curl_easy_cleanup(void) { curl_easy_cleanup(easy); }
CALL(curl_multi_add_handle, curl_multi_add_handle(multi, easy))
CALL(curl_multi_remove_handle, curl_multi_remove_handle(multi, easy))
CALL(curl_multi_info_read, curl_multi_info_read(multi, &running))
CALL(curl_multi_cleanup, curl_multi_cleanup(multi))
CALL(curl_multi_perform, curl_multi_perform(multi, &running))
CALL(curl_multi_socket_action, curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running))
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#undef curl_multi_socket
CALL(curl_multi_socket, curl_multi_socket(multi, CURL_SOCKET_TIMEOUT, &running))
CALL(curl_multi_socket_all, curl_multi_socket_all(multi, &running))
static void without_two(void) {
    without_other();
    without_easy();
}

#define ONE(name, before, after) {#name, before, call_##name, after}
static const struct one {
    const char *name;
    void (*before)(void), (*call)(void), (*after)(void);
} all[] = {
    ONE(connect, with_socket, without_socket),
    ONE(socket, nothing, without_socket),
    ONE(__connect, with_socket, without_socket),
    ONE(getsockopt, with_pair, without_pair),
    ONE(getpeername, with_pair, without_pair),
    ONE(close, with_spare, nothing),
    ONE(__close, with_spare, nothing),
    ONE(dup2, with_spare, without_spare),
    ONE(__dup2, with_spare, without_spare),
    ONE(dup3, with_spare, without_spare),
    ONE(close_range, nothing, nothing),
    ONE(closefrom, nothing, nothing),
    ONE(send, with_pair, without_pair),
    ONE(__send, with_pair, without_pair),
    ONE(sendto, with_pair, without_pair),
    ONE(sendmsg, with_pair, without_pair),
    ONE(recv, with_pair, without_pair),
    ONE(__recv_chk, with_pair, without_pair),
    ONE(recvfrom, with_pair, without_pair),
    ONE(__recvfrom_chk, with_pair, without_pair),
    ONE(recvmsg, with_pair, without_pair),
    ONE(read, with_pair, without_pair),
    ONE(__read, with_pair, without_pair),
    ONE(__read_chk, with_pair, without_pair),
    ONE(write, with_pair, without_pair),
    ONE(__write, with_pair, without_pair),
    ONE(writev, with_pair, without_pair),
    ONE(getaddrinfo, nothing, without_addresses),
    ONE(gethostbyname, nothing, nothing),
    ONE(gethostbyname2, nothing, nothing),
    ONE(gethostbyname_r, nothing, nothing),
    ONE(gethostbyname2_r, nothing, nothing),
    ONE(fork, nothing, without_child),
    ONE(__fork, nothing, without_child),
    ONE(_Fork, nothing, without_child),
    ONE(prctl, nothing, nothing),
    ONE(syscall, nothing, nothing),
    ONE(dlsym, nothing, nothing),
    ONE(dlopen, nothing, nothing),
    ONE(curl_easy_init, nothing, without_easy),
    ONE(curl_easy_duphandle, with_easy, without_two),
    ONE(curl_easy_setopt, with_easy, without_easy),
    ONE(curl_easy_perform, with_easy, without_easy),
    ONE(curl_easy_reset, with_easy, without_easy),
    ONE(curl_easy_cleanup, with_easy, nothing),
    ONE(curl_multi_add_handle, with_multi, without_multi),
    ONE(curl_multi_remove_handle, with_result, without_multi),
    ONE(curl_multi_info_read, with_result, without_multi),
    ONE(curl_multi_cleanup, with_result, without_easy_of_multi),
    ONE(curl_multi_perform, with_transfer, without_multi),
    ONE(curl_multi_socket_action, with_transfer, without_multi),
    ONE(curl_multi_socket, with_transfer, without_multi),
    ONE(curl_multi_socket_all, with_transfer, without_multi),
};

/// What no call of these changes for its thread.
struct state {
    unsigned short x87;
    unsigned mxcsr;
    sigset_t blocked;
    stack_t alternate;
    char locale[256];
};
static void look(struct state *state) {
    memset(state, 0, sizeof *state);
    __asm__ volatile("fnstcw %0" : "=m"(state->x87));
    __asm__ volatile("stmxcsr %0" : "=m"(state->mxcsr));
    state->mxcsr &= ~0x3fu; // how earlier arithmetic ended
    sigprocmask(SIG_SETMASK, NULL, &state->blocked);
    sigaltstack(NULL, &state->alternate);
    snprintf(state->locale, sizeof state->locale, "%s", setlocale(LC_ALL, NULL));
}

/// Bytes below this frame that `call` wrote to.
static __attribute__((noinline)) size_t used(void (*call)(void)) {
    volatile unsigned char *frame = __builtin_frame_address(0);
    // By hand: a function called for it would have its own frame there.
    for (size_t i = OWN; i < PAINTED; i++) frame[-(ptrdiff_t)i] = PAINT;
    call();
    size_t deepest = PAINTED - 1;
    while (deepest > OWN && frame[-(ptrdiff_t)deepest] == PAINT) deepest--;
    return deepest;
}

static size_t most(const struct one *one) {
    size_t result = 0;
    for (int i = -1; i < 3; i++) {
        one->before();
        struct state before, after;
        look(&before);
        size_t bytes = used(one->call);
        look(&after);
        if (memcmp(&before, &after, sizeof before)) {
            printf("%s changed its thread's state\n", one->name);
            exit(6);
        }
        one->after();
        if (i >= 0 && bytes > result) result = bytes;
    }
    return result;
}

static void *measure(void *names) {
    // Nothing that happens to be the default.
    unsigned short x87 = 0x27f;
    unsigned mxcsr = 0x9fc0;
    __asm__ volatile("fldcw %0" : : "m"(x87));
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    static char alternate[16 << 10];
    sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof alternate}, NULL);
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &some, NULL);
    with_socket();
    printf("first %zu\n", used(call_connect));
    without_socket();
    for (char **name = names; *name; name++) {
        const struct one *one = all, *end = all + sizeof all / sizeof *all;
        while (one < end && strcmp(one->name, *name)) one++;
        if (one == end) {
            printf("%s is not measured\n", *name);
            exit(3);
        }
        printf("%s %zu\n", *name, most(one));
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    url = argv[1];
    port = atoi(strrchr(url, ':') + 1);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setlocale(LC_ALL, "C.UTF-8");
    curl_global_init(CURL_GLOBAL_ALL);
    void *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, STACK);
    pthread_t thread;
    if (pthread_create(&thread, &attributes, measure, argv + 2)) return 4;
    pthread_join(thread, NULL);
    return 0;
}
