// soak SECONDS PORT PACE PLUGIN…: sixteen threads that do, all at once and for that long, what an agent may stumble over, with a timer's
// signal every millisecond whose handler connects; PACE times as slowly in all. Everything that is to be a span has a number of its own: the last part of
// a request's path, /ROW/NUMBER, or the address that a connect goes to, see `closed`. At the end a line for each row:
// ROW NUMBERS FAILED, where NUMBERS is how many were used, from 0 on. What failed (a child or a request) it also says on standard error.
//
// PLUGINs are objects with `int fetch(const char *url)`, linked with one libcurl each; PORT is soak_server's.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 16, HANDLER_ROW = THREADS, UNDER_CURL_ROW, ROWS, MULTI_HANDLES = 4, PLUGINS = 3 };

extern char **environ;
static _Atomic unsigned numbers[ROWS], failures[ROWS];
static _Atomic int ended;
static long pace = 1;
static const char *port, *plugins[PLUGINS], *self;
// What is below a call of libcurl makes no span of its own, and a handler cannot know that it is not: its connects then have another row.
static __thread volatile sig_atomic_t in_curl, in_connect;

// A connect to a port that nobody listens on, 1 to 255. Row and number are in the address and the port: 127.ROW+1.HIGH.LOW:HIGHEST+1.
static int closed(unsigned row, unsigned number) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)(1 + (number >> 16)))};
    address.sin_addr.s_addr = htonl(0x7f000000u | (row + 1) << 16 | (number & 0xffff));
    in_connect++;
    int error = connect(fd, (struct sockaddr *)&address, sizeof address) ? errno : 0;
    in_connect--;
    close(fd);
    return error == ECONNREFUSED ? 0 : error ? error : EADDRINUSE;
}

static void failed(unsigned row, unsigned number, const char *what, int code) {
    failures[row]++;
    char line[128];
    int length = snprintf(line, sizeof line, "row %u number %u: %s %d\n", row, number, what, code);
    (void)!write(2, line, (size_t)length);
}

static void on_timer(int signal_number) {
    (void)signal_number;
    int error = errno;
    // Only every eighth makes a span: the others are connects that pass.
    static _Atomic unsigned count;
    if (count++ % 8 == 0) {
        unsigned row = in_curl || in_connect ? UNDER_CURL_ROW : HANDLER_ROW, number = numbers[row]++;
        int code = closed(row, number);
        if (code) failed(row, number, "connect in the handler", code);
    } else {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/no/such/socket"};
        (void)!connect(fd, (struct sockaddr *)&address, sizeof address);
        close(fd);
    }
    errno = error;
}

static void url_of(char *url, size_t size, unsigned row, unsigned number) {
    snprintf(url, size, "http://127.0.0.1:%s/%u/%u", port, row, number);
}

static void prepare(CURL *handle, unsigned row, unsigned number) {
    char url[96];
    url_of(url, sizeof url, row, number);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
}

static void pause_for(long microseconds) {
    struct timespec left = {0, microseconds * pace * 1000};
    while (nanosleep(&left, &left) && errno == EINTR) {}
}

static int status_of(pid_t child) {
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return -errno;
    return status;
}

static void fork_exec(unsigned row) {
    unsigned number = numbers[row]++;
    char row_text[16], number_text[16];
    snprintf(row_text, sizeof row_text, "%u", row);
    snprintf(number_text, sizeof number_text, "%u", number);
    char *arguments[] = {(char *)self, "connect", row_text, number_text, NULL};
    pid_t child;
    int code;
    if (number % 2) {
        code = posix_spawn(&child, self, NULL, NULL, arguments, environ);
    } else {
        child = fork();
        if (child == 0) {
            execv(self, arguments);
            _exit(127);
        }
        code = child < 0 ? errno : 0;
    }
    if (!code) code = status_of(child);
    if (code) failed(row, number, "fork and exec", code);
    pause_for(20000);
}

// A connect, in a child of a program with many threads that may do nothing but what is async-signal-safe.
static void fork_exit(unsigned row) {
    unsigned number = numbers[row]++;
    pid_t child = fork();
    if (child == 0) _exit(closed(row, number));
    int code = child < 0 ? errno : status_of(child);
    if (code) failed(row, number, "fork and _exit", code);
    pause_for(20000);
}

// A request in such a child. Strictly that is not allowed; with glibc, and no name to resolve, it is what programs do. The handle is its
// parent's: curl_easy_init has a spin lock (libcurl 7.88, easy.c), which in a child that was forked inside of it stays taken for ever.
static void fork_request(unsigned row) {
    unsigned number = numbers[row]++;
    CURL *handle = curl_easy_init();
    pid_t child = fork();
    if (child == 0) {
        prepare(handle, row, number);
        _exit((int)curl_easy_perform(handle));
    }
    int code = child < 0 ? errno : status_of(child);
    curl_easy_cleanup(handle);
    if (code) failed(row, number, "fork and request", code);
    pause_for(20000);
}

static void easy(unsigned row) {
    in_curl = 1;
    CURL *handle = curl_easy_init();
    for (int times = 0; times < 50 && !ended; times++) {
        unsigned number = numbers[row]++;
        prepare(handle, row, number);
        CURLcode code = curl_easy_perform(handle);
        if (code) failed(row, number, "curl_easy_perform", (int)code);
        in_curl = 0;
        pause_for(10000);
        in_curl = 1;
    }
    curl_easy_cleanup(handle);
    in_curl = 0;
}

static void multi(unsigned row) {
    in_curl = 1;
    CURLM *together = curl_multi_init();
    CURL *handles[MULTI_HANDLES];
    for (int index = 0; index < MULTI_HANDLES; index++) handles[index] = curl_easy_init();
    for (int times = 0; times < 20 && !ended; times++) {
        for (int index = 0; index < MULTI_HANDLES; index++) {
            prepare(handles[index], row, numbers[row]++);
            curl_multi_add_handle(together, handles[index]);
        }
        int running = 1, left;
        while (running) {
            curl_multi_perform(together, &running);
            if (running) curl_multi_poll(together, NULL, 0, 1000, NULL);
        }
        for (CURLMsg *message; (message = curl_multi_info_read(together, &left));)
            if (message->data.result) failed(row, numbers[row], "curl_multi", (int)message->data.result);
        for (int index = 0; index < MULTI_HANDLES; index++) curl_multi_remove_handle(together, handles[index]);
        in_curl = 0;
        pause_for(40000);
        in_curl = 1;
    }
    for (int index = 0; index < MULTI_HANDLES; index++) curl_easy_cleanup(handles[index]);
    curl_multi_cleanup(together);
    in_curl = 0;
}

// Loaded, used and unloaded, with the libcurl behind it.
static void plugin(unsigned row, const char *path) {
    unsigned number = numbers[row]++;
    char url[96];
    url_of(url, sizeof url, row, number);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    int (*fetch)(const char *) = object ? (int (*)(const char *))dlsym(object, "fetch") : NULL;
    in_curl = 1;
    int code = fetch ? fetch(url) : -1;
    in_curl = 0;
    if (code) failed(row, number, "plug-in", code);
    if (object) dlclose(object);
    pause_for(20000);
}

// The same by hand, of a flavour after the other.
static void looked_up(unsigned row) {
    static const char *const flavours[] = {"libcurl-gnutls.so.4", "libcurl.so.4", "libcurl-nss.so.4"};
    unsigned number = numbers[row]++;
    char url[96];
    url_of(url, sizeof url, row, number);
    void *object = dlopen(flavours[number % 3], RTLD_NOW | RTLD_LOCAL);
    int code = -1;
    if (object) {
        CURL *(*init)(void) = (CURL *(*)(void))dlsym(object, "curl_easy_init");
        CURLcode (*setopt)(CURL *, CURLoption, ...) = (CURLcode(*)(CURL *, CURLoption, ...))dlsym(object, "curl_easy_setopt");
        CURLcode (*perform)(CURL *) = (CURLcode(*)(CURL *))dlsym(object, "curl_easy_perform");
        void (*cleanup)(CURL *) = (void (*)(CURL *))dlsym(object, "curl_easy_cleanup");
        CURLcode (*global_init)(long) = (CURLcode(*)(long))dlsym(object, "curl_global_init");
        void (*global_cleanup)(void) = (void (*)(void))dlsym(object, "curl_global_cleanup");
        in_curl = 1;
        global_init(CURL_GLOBAL_DEFAULT);
        CURL *handle = init();
        setopt(handle, CURLOPT_URL, url);
        setopt(handle, CURLOPT_NOBODY, 1L);
        setopt(handle, CURLOPT_NOSIGNAL, 1L);
        code = (int)perform(handle);
        cleanup(handle);
        global_cleanup();
        in_curl = 0;
        dlclose(object);
    }
    if (code) failed(row, number, "looked up", code);
    pause_for(20000);
}

static void refused(unsigned row) {
    unsigned number = numbers[row]++;
    int code = closed(row, number);
    if (code) failed(row, number, "connect", code);
    pause_for(10000);
}

static void *work(void *argument) {
    unsigned row = (unsigned)(uintptr_t)argument;
    while (!ended) {
        switch (row) {
        case 0: case 1: fork_exec(row); break;
        case 2: fork_exit(row); break;
        case 3: fork_request(row); break;
        case 4: case 5: case 6: case 7: easy(row); break;
        case 8: case 9: multi(row); break;
        case 10: case 11: case 12: plugin(row, plugins[row - 10]); break;
        case 13: looked_up(row); break;
        default: refused(row);
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc == 4) return closed((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
    if (argc != 4 + PLUGINS) return 2;
    self = argv[0];
    pace = atol(argv[3]);
    port = argv[2];
    for (int index = 0; index < PLUGINS; index++) plugins[index] = argv[4 + index];
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    // NSS itself loses some 7 kB each time it is unloaded. Its libcurl is still unloaded.
    if (!dlopen("libssl3.so", RTLD_NOW | RTLD_NODELETE)) return 5;
    // Its region before there are threads: what others do while it is made is counted, not recorded.
    refused(THREADS - 1);
    struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
    sigaction(SIGRTMIN, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    timer_t timer;
    long nanoseconds = pace * 1000000;
    struct itimerspec interval = {{0, nanoseconds}, {0, nanoseconds}};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &interval, NULL)) return 3;
    pthread_t threads[THREADS];
    for (uintptr_t row = 0; row < THREADS; row++)
        if (pthread_create(&threads[row], NULL, work, (void *)row)) return 4;
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += atol(argv[1]);
    do {
        pause_for(100000 / pace);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec < end.tv_sec);
    ended = 1;
    for (int row = 0; row < THREADS; row++) pthread_join(threads[row], NULL);
    timer_delete(timer);
    pause_for(50000 / pace);
    for (int row = 0; row < ROWS; row++) printf("%d %u %u\n", row, (unsigned)numbers[row], (unsigned)failures[row]);
    return 0;
}
