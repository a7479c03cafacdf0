// A program that makes one kind of call again and again, and measures it. It knows nothing of the agent.
//
//   calls time   CALL COUNT       nanoseconds per call: median and minimum over bursts
//   calls step   CALL COUNT       user-space instructions per call: median, minimum, maximum
//   calls trace  CALL COUNT       the object and offset of each instruction of the last of COUNT calls, one a line
//   calls run    CALL COUNT       nothing but the calls, for callgrind
//   calls first  CALL COUNT [MIB] nanoseconds of the first call and the median of COUNT later ones, with MIB touched before
//   calls rate   CALL PER_SECOND SECONDS
//   calls cost   CALL COUNT       microseconds of CPU and of time per call, both of the whole process, after the connections are made
//   calls memory CALL COUNT       after COUNT calls, in KiB: proportional, private dirty, highest resident memory
//
// CALL: perform (curl_easy_perform on $BENCH_URL, with $BENCH_HEADER, the handle reused), parallel ($BENCH_PARALLEL such transfers in one multi handle, which is driven when
// something has come, or every $BENCH_PAUSE_US microseconds),
// connect (a TCP address), unix (connect to a local address),
// socket, dlsym (of a function of libc), dlopen (of the program), lookup (getaddrinfo), numeric (of an address), passive (of none), or one that is watched while a connect is in progress (close, read …), of a descriptor of /dev/null. With the libraries of fake-curl.c and fake-libc.c behind it, what is left is the cost of the call itself.
#define _GNU_SOURCE
#include "step.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    BURST = 500,       // spans that fit into the ring several times over
    PAUSE_US = 20000,  // between bursts, for the relay to read them
    WARM_UP = 20,
    SAMPLES_MAX = 100000,
    PARALLEL_MAX = 100,
};

static CURL *handle;
static int tcp_socket = -1;
static struct sockaddr_in tcp_address;
static struct sockaddr_un unix_address;
static uint64_t samples[SAMPLES_MAX];

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static size_t discard(char *data, size_t size, size_t count, void *user) {
    (void)data, (void)user;
    return size * count;
}

static __attribute__((noinline)) void call_perform(void) {
    if (curl_easy_perform(handle) != CURLE_OK) exit(3);
}

static CURLM *multi;
static CURL *transfers[PARALLEL_MAX];
static int parallel;
static useconds_t pause_us;
static __attribute__((noinline)) void call_parallel(void) {
    for (int i = 0; i < parallel; i++)
        if (curl_multi_add_handle(multi, transfers[i]) != CURLM_OK) exit(3);
    int running = 0, done = 0, queued;
    do {
        if (curl_multi_perform(multi, &running) != CURLM_OK) exit(3);
        // All answers wait after a pause: then the number of turns is no matter of chance.
        if (running && pause_us) usleep(pause_us);
        if (running && !pause_us && curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK) exit(3);
        for (CURLMsg *message; (message = curl_multi_info_read(multi, &queued)); done++) {
            if (message->msg != CURLMSG_DONE || message->data.result != CURLE_OK) exit(3);
            curl_multi_remove_handle(multi, message->easy_handle);
        }
    } while (running);
    if (done != parallel) exit(3);
}
static __attribute__((noinline)) void call_connect(void) { (void)!connect(tcp_socket, (struct sockaddr *)&tcp_address, sizeof tcp_address); }
static __attribute__((noinline)) void call_unix(void) { (void)!connect(-1, (struct sockaddr *)&unix_address, sizeof unix_address); }
static __attribute__((noinline)) void call_socket(void) { (void)!socket(-1, SOCK_STREAM, 0); }

// What is watched while a connect is in progress, of a descriptor that has none.
static int null_device = -1;
static char byte;
#define WATCHED(name, call) \
    static __attribute__((noinline)) void call_##name(void) { (void)!(call); }
WATCHED(close, close(-1))
WATCHED(dup2, dup2(-1, null_device))
WATCHED(close_range, close_range(9, 3, 0))
WATCHED(getsockopt, getsockopt(null_device, SOL_SOCKET, SO_ERROR, NULL, NULL))
WATCHED(getpeername, getpeername(null_device, NULL, NULL))
WATCHED(send, send(null_device, &byte, 1, 0))
WATCHED(recv, recv(null_device, &byte, 1, 0))
WATCHED(sendmsg, sendmsg(null_device, NULL, 0))
WATCHED(recvmsg, recvmsg(null_device, NULL, 0))
WATCHED(read, read(null_device, &byte, 1))
WATCHED(write, write(null_device, &byte, 1))
// An address, which is no question, and none at all.
static struct addrinfo *addresses;
WATCHED(numeric, getaddrinfo("127.0.0.1", NULL, NULL, &addresses))
WATCHED(passive, getaddrinfo(NULL, "80", NULL, &addresses))
WATCHED(lookup, getaddrinfo("service.example", NULL, NULL, &addresses))
static const struct {
    const char *name;
    void (*call)(void);
} watched[] = {
#define NAMED(name) {#name, call_##name},
    NAMED(close) NAMED(dup2) NAMED(close_range) NAMED(getsockopt) NAMED(getpeername) NAMED(send) NAMED(recv) NAMED(sendmsg) NAMED(recvmsg) NAMED(read) NAMED(write)
    NAMED(numeric) NAMED(passive) NAMED(lookup)
};

static void *libc;
static __attribute__((noinline)) void call_dlsym(void) {
    if (!dlsym(libc, "getpid")) exit(3);
}

static __attribute__((noinline)) void call_dlopen(void) {
    if (!dlopen(NULL, RTLD_LAZY)) exit(3);
}

static CURL *transfer(void) {
    const char *url = getenv("BENCH_URL");
    CURL *made = curl_easy_init();
    curl_easy_setopt(made, CURLOPT_URL, url ? url : "http://service.example:8080/some/path?with=query");
    curl_easy_setopt(made, CURLOPT_WRITEFUNCTION, discard);
    static struct curl_slist header;
    if ((header.data = getenv("BENCH_HEADER"))) curl_easy_setopt(made, CURLOPT_HTTPHEADER, &header);
    return made;
}

static void (*prepare(const char *name))(void) {
    if (!strcmp(name, "perform")) {
        curl_global_init(CURL_GLOBAL_ALL);
        handle = transfer();
        return call_perform;
    }
    if (!strcmp(name, "parallel")) {
        curl_global_init(CURL_GLOBAL_ALL);
        multi = curl_multi_init();
        const char *wanted = getenv("BENCH_PARALLEL");
        parallel = wanted ? atoi(wanted) : PARALLEL_MAX;
        if (parallel < 1 || parallel > PARALLEL_MAX) exit(2);
        if (getenv("BENCH_PAUSE_US")) pause_us = (useconds_t)atoi(getenv("BENCH_PAUSE_US"));
        for (int i = 0; i < parallel; i++) transfers[i] = transfer();
        return call_parallel;
    }
    if (!strcmp(name, "connect")) {
        tcp_socket = socket(AF_INET, SOCK_STREAM, 0);
        tcp_address.sin_family = AF_INET;
        tcp_address.sin_port = htons(8080);
        inet_pton(AF_INET, "127.0.0.1", &tcp_address.sin_addr);
        return call_connect;
    }
    if (!strcmp(name, "dlsym")) {
        libc = dlopen("libc.so.6", RTLD_LAZY);
        return call_dlsym;
    }
    if (!strcmp(name, "dlopen")) return call_dlopen;
    unix_address.sun_family = AF_UNIX;
    strcpy(unix_address.sun_path, "/nonexistent");
    if (!strcmp(name, "unix")) return call_unix;
    if (!strcmp(name, "socket")) return call_socket;
    null_device = open("/dev/null", O_RDWR);
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
        if (!strcmp(watched[i].name, name)) return watched[i].call;
    fprintf(stderr, "calls: no call is named %s\n", name);
    exit(2);
}

static void measure_time(void (*call)(void), long count) {
    long bursts = count / BURST;
    for (int i = 0; i < WARM_UP; i++) call();
    for (long burst = 0; burst < bursts; burst++) {
        usleep(PAUSE_US);
        uint64_t start = now();
        for (int i = 0; i < BURST; i++) call();
        samples[burst] = (now() - start) * 1000 / BURST;
    }
    qsort(samples, (size_t)bursts, sizeof *samples, compare);
    printf("%.2f %.2f\n", (double)samples[bursts / 2] / 1000, (double)samples[0] / 1000);
}

static void measure_steps(void (*call)(void), long count) {
    prepare_stepping();
    for (int i = 0; i < WARM_UP; i++) call();
    for (long i = 0; i < count; i++) {
        start_stepping();
        call();
        samples[i] = stop_stepping();
    }
    qsort(samples, (size_t)count, sizeof *samples, compare);
    printf("%lu %lu %lu\n", samples[count / 2], samples[0], samples[count - 1]);
}

static void trace_steps(void (*call)(void), long count) {
    static uint64_t addresses[1 << 20];
    step_addresses = addresses;
    step_addresses_capacity = sizeof addresses / sizeof *addresses;
    prepare_stepping();
    // Only the last one: a stepped call takes milliseconds, and ten times a second a call also looks after the relay.
    for (long i = 0; i < WARM_UP + count - 1; i++) call();
    start_stepping();
    call();
    stop_stepping();
    for (uint64_t i = 0; i < stepped && i < step_addresses_capacity; i++) {
        Dl_info info = {0};
        dladdr((void *)addresses[i], &info);
        printf("%s %#lx\n", info.dli_fname ? info.dli_fname : "?", addresses[i] - (uint64_t)info.dli_fbase);
    }
}

static void measure_first(void (*call)(void), long count, size_t mebibytes) {
    if (mebibytes) {
        void *ballast = mmap(NULL, mebibytes << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (ballast == MAP_FAILED) exit(4);
        madvise(ballast, mebibytes << 20, MADV_NOHUGEPAGE);
        memset(ballast, 1, mebibytes << 20);
    }
    uint64_t start = now();
    call();
    uint64_t first = now() - start;
    for (long i = 0; i < count; i++) {
        start = now();
        call();
        samples[i] = now() - start;
    }
    qsort(samples, (size_t)count, sizeof *samples, compare);
    printf("%lu %lu\n", first, samples[count / 2]);
}

static void keep_rate(void (*call)(void), long per_second, long seconds) {
    uint64_t start = now(), made = 0, all = (uint64_t)(per_second * seconds);
    while (made < all) {
        usleep(1000);
        uint64_t due = (now() - start) * (uint64_t)per_second / 1000000000u;
        for (; made < due && made < all; made++) call();
    }
    printf("%lu %lu\n", made, now() - start);
}

static uint64_t cpu(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void measure_cost(void (*call)(void), long count) {
    for (int i = 0; i < WARM_UP; i++) call();
    uint64_t started = now(), used = cpu();
    for (long i = 0; i < count; i++) call();
    used = cpu() - used;
    printf("%.3f %.3f\n", (double)used / (double)count / 1000, (double)(now() - started) / (double)count / 1000);
}

static long field(const char *path, const char *name) {
    FILE *file = fopen(path, "r");
    char line[256];
    long value = -1;
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name))) value = atol(line + strlen(name));
    if (file) fclose(file);
    return value;
}

// Not ru_maxrss: that one survives exec, and so may be the parent's.
static void measure_memory(void (*call)(void), long count) {
    for (long i = 0; i < count; i++) call();
    const char *rollup = "/proc/self/smaps_rollup";
    printf("%ld %ld %ld\n", field(rollup, "Pss:"), field(rollup, "Private_Dirty:"), field("/proc/self/status", "VmHWM:"));
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    void (*call)(void) = prepare(argv[2]);
    const char *mode = argv[1];
    long count = atol(argv[3]);
    if (count < 0 || count > SAMPLES_MAX * (long)BURST) return 2;
    if (!strcmp(mode, "time")) measure_time(call, count);
    else if (!strcmp(mode, "step") && count <= SAMPLES_MAX) measure_steps(call, count);
    else if (!strcmp(mode, "trace")) trace_steps(call, count);
    else if (!strcmp(mode, "first") && count <= SAMPLES_MAX) measure_first(call, count, argc > 4 ? strtoul(argv[4], NULL, 10) : 0);
    else if (!strcmp(mode, "rate") && argc > 4) keep_rate(call, count, atol(argv[4]));
    else if (!strcmp(mode, "cost") && count) measure_cost(call, count);
    else if (!strcmp(mode, "memory")) measure_memory(call, count);
    else if (!strcmp(mode, "run")) for (long i = 0; i < count; i++) call();
    else return 2;
    return 0;
}
