// multi KIND URL [FILE]: transfers by libcurl's multi interface. URL answers at any path; /slow after half a second, /status/N with N.
//   perform   twenty at once, results read as they come
//   socket    the same by curl_multi_socket_action and epoll
//   all       the same by curl_multi_socket_all
//   late      /slow and a quick one; results read a while after both are done. When the first was, is written to FILE
//   unread    a good one, a bad one and one that is refused; results never read
//   early     one taken out in its middle, one before it began, one twice in a row
//   cleanup   handles and multi handle cleaned up in the middle of transfers
//   threads   added by one thread, driven by a second, read by a third
//   again     one handle three times, with other headers each time; then by curl_easy_perform
//   copy      a handle duplicated in its transfer's callback; then the copy
//   nested    curl_easy_perform in a transfer's callback, and a transfer in the callback of a curl_easy_perform
//   reset     a handle reset in the middle of its transfer
//   headers   the header list replaced after the addition, and freed as soon as libcurl allows
//   refused   additions that libcurl refuses
//   forked    a child goes away in the middle of a transfer
#define CURL_DISABLE_DEPRECATION // curl_multi_socket_all is old, and still exported
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *base;
static size_t received;

static void check(int ok, const char *what, int line) {
    if (ok) return;
    printf("line %d: not %s\n", line, what);
    exit(9);
}
#define CHECK(condition) check(condition, #condition, __LINE__)

static size_t count(char *bytes, size_t size, size_t times, void *unused) {
    (void)bytes, (void)unused;
    received += size * times;
    return size * times;
}

static CURL *request(const char *path) {
    char url[256];
    snprintf(url, sizeof url, "%s%s", base, path);
    CURL *easy = curl_easy_init();
    CHECK(curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    return easy;
}

static int drive(CURLM *multi) {
    int running = -1;
    errno = 4242;
    CHECK(curl_multi_perform(multi, &running) == CURLM_OK);
    if (running) CHECK(curl_multi_wait(multi, NULL, 0, 100, NULL) == CURLM_OK);
    return running;
}
static void drive_to_end(CURLM *multi) {
    while (drive(multi)) continue;
}

/// Reads all messages, takes the handles out and cleans them up; returns how many.
static int read_all(CURLM *multi, CURLcode expected) {
    int left, found = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left))) {
        CHECK(message->msg == CURLMSG_DONE && message->data.result == expected);
        CURL *easy = message->easy_handle;
        CHECK(curl_multi_remove_handle(multi, easy) == CURLM_OK);
        curl_easy_cleanup(easy);
        found++;
    }
    return found;
}

static void add_twenty(CURLM *multi) {
    char path[16];
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof path, "/%d", i);
        CHECK(curl_multi_add_handle(multi, request(path)) == CURLM_OK);
    }
}

static void perform(CURLM *multi) {
    int found = 0;
    add_twenty(multi);
    while (drive(multi)) found += read_all(multi, CURLE_OK);
    CHECK(found + read_all(multi, CURLE_OK) == 20);
}

static void all(CURLM *multi) {
    int running = 1, found = 0;
    add_twenty(multi);
    while (running) {
        CHECK(curl_multi_socket_all(multi, &running) == CURLM_OK);
        found += read_all(multi, CURLE_OK);
        if (running) usleep(2000);
    }
    CHECK(found + read_all(multi, CURLE_OK) == 20);
}

static int poller;
static long timeout = -1;
static int watch(CURL *easy, curl_socket_t descriptor, int what, void *unused, void *known) {
    (void)easy, (void)unused, (void)known;
    struct epoll_event event = {.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0), .data.fd = descriptor};
    if (what == CURL_POLL_REMOVE) return epoll_ctl(poller, EPOLL_CTL_DEL, descriptor, NULL), 0;
    if (epoll_ctl(poller, EPOLL_CTL_MOD, descriptor, &event)) epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event);
    return 0;
}
static int alarm_at(CURLM *multi, long milliseconds, void *unused) {
    (void)multi, (void)unused;
    timeout = milliseconds;
    return 0;
}

static void by_sockets(CURLM *multi) {
    poller = epoll_create1(EPOLL_CLOEXEC);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, alarm_at);
    int running = 20, found = 0;
    add_twenty(multi);
    while (running) {
        struct epoll_event events[8];
        int ready = epoll_wait(poller, events, 8, timeout < 0 || timeout > 100 ? 100 : (int)timeout);
        CHECK(ready >= 0);
        if (ready == 0) CHECK(curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running) == CURLM_OK);
        for (int i = 0; i < ready; i++) {
            int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
            CHECK(curl_multi_socket_action(multi, events[i].data.fd, what, &running) == CURLM_OK);
        }
        found += read_all(multi, CURLE_OK);
    }
    CHECK(found + read_all(multi, CURLE_OK) == 20);
    close(poller);
}

static const char *file;
static void late(CURLM *multi) {
    int running = 2;
    curl_multi_add_handle(multi, request("/slow"));
    curl_multi_add_handle(multi, request("/quick"));
    while (running == 2) running = drive(multi);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    FILE *times = fopen(file, "w");
    fprintf(times, "%lld\n", now.tv_sec * 1000000000LL + now.tv_nsec);
    fclose(times);
    drive_to_end(multi);
    usleep(500000);
    CHECK(read_all(multi, CURLE_OK) == 2);
}

static void unread(CURLM *multi) {
    CURL *easy[] = {request("/good"), request("/status/503"), request("/refused")};
    // Port 1 of the loopback: tcpmux, which nobody runs.
    curl_easy_setopt(easy[2], CURLOPT_URL, "http://127.0.0.1:1/refused");
    for (int i = 0; i < 3; i++) curl_multi_add_handle(multi, easy[i]);
    drive_to_end(multi);
    for (int i = 0; i < 3; i++) {
        CHECK(curl_multi_remove_handle(multi, easy[i]) == CURLM_OK);
        curl_easy_cleanup(easy[i]);
    }
}

static void early(CURLM *multi) {
    CURL *slow = request("/slow"), *never = request("/never"), *quick = request("/quick");
    curl_multi_add_handle(multi, slow);
    drive(multi);
    drive(multi);
    curl_multi_add_handle(multi, never);
    CHECK(curl_multi_remove_handle(multi, never) == CURLM_OK);
    CHECK(curl_multi_remove_handle(multi, slow) == CURLM_OK);
    CHECK(curl_multi_remove_handle(multi, slow) == CURLM_OK);
    curl_multi_add_handle(multi, quick);
    drive_to_end(multi);
    curl_easy_cleanup(slow);
    curl_easy_cleanup(never);
    CHECK(read_all(multi, CURLE_OK) == 1);
}

static void cleaned_up(CURLM *multi) {
    CURL *first = request("/slow"), *second = request("/slow");
    CURLM *other = curl_multi_init();
    curl_multi_add_handle(multi, first);
    curl_multi_add_handle(other, second);
    for (int i = 0; i < 3; i++) drive(multi), drive(other);
    curl_easy_cleanup(first);
    CHECK(curl_multi_cleanup(other) == CURLM_OK);
    // The multi handle has gone; the easy one may be used again.
    curl_easy_setopt(second, CURLOPT_NOBODY, 1L);
    CHECK(curl_easy_perform(second) == CURLE_OK);
    curl_easy_cleanup(second);
}

static void *drives(void *multi) {
    drive_to_end(multi);
    return NULL;
}
static void *reads(void *multi) {
    CHECK(read_all(multi, CURLE_OK) == 20);
    return NULL;
}
static void threads(CURLM *multi) {
    pthread_t thread;
    add_twenty(multi);
    pthread_create(&thread, NULL, drives, multi);
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, reads, multi);
    pthread_join(thread, NULL);
}

static void again(CURLM *multi) {
    CURL *easy = request("/again");
    int left;
    for (int i = 0; i < 4; i++) {
        char header[16];
        snprintf(header, sizeof header, "X-Number: %d", i);
        struct curl_slist *list = curl_slist_append(NULL, header);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
        if (i == 3) {
            CHECK(curl_easy_perform(easy) == CURLE_OK);
        } else {
            curl_multi_add_handle(multi, easy);
            drive_to_end(multi);
            CHECK(curl_multi_info_read(multi, &left)->easy_handle == easy && left == 0 && !curl_multi_info_read(multi, &left));
            curl_multi_remove_handle(multi, easy);
        }
        curl_slist_free_all(list);
    }
    curl_easy_cleanup(easy);
}

static CURL *copied;
static size_t copies(char *bytes, size_t size, size_t times, void *easy) {
    if (!copied) copied = curl_easy_duphandle(easy);
    return count(bytes, size, times, easy);
}
static void copy(CURLM *multi) {
    CURL *easy = request("/copied");
    struct curl_slist *list = curl_slist_append(NULL, "X-Number: 1");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, copies);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, easy);
    curl_multi_add_handle(multi, easy);
    drive_to_end(multi);
    CHECK(read_all(multi, CURLE_OK) == 1 && copied);
    CHECK(curl_easy_perform(copied) == CURLE_OK);
    curl_multi_add_handle(multi, copied);
    drive_to_end(multi);
    CHECK(read_all(multi, CURLE_OK) == 1);
    curl_slist_free_all(list);
}

static int depth;
static size_t performs(char *bytes, size_t size, size_t times, void *unused) {
    if (depth++ == 0) {
        CURL *easy = request("/inner");
        CHECK(curl_easy_perform(easy) == CURLE_OK);
        curl_easy_cleanup(easy);
    }
    return count(bytes, size, times, unused);
}
static size_t transfers(char *bytes, size_t size, size_t times, void *unused) {
    CURLM *multi = curl_multi_init();
    CHECK(curl_multi_add_handle(multi, request("/below")) == CURLM_OK);
    drive_to_end(multi);
    CHECK(read_all(multi, CURLE_OK) == 1);
    CHECK(curl_multi_cleanup(multi) == CURLM_OK);
    return count(bytes, size, times, unused);
}
static void nested(CURLM *multi) {
    CURL *above = request("/above");
    curl_easy_setopt(above, CURLOPT_WRITEFUNCTION, transfers);
    CHECK(curl_easy_perform(above) == CURLE_OK);
    curl_easy_cleanup(above);
    CURL *easy = request("/outer");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, performs);
    curl_multi_add_handle(multi, easy);
    drive_to_end(multi);
    CHECK(read_all(multi, CURLE_OK) == 1);
}

static void reset(CURLM *multi) {
    CURL *easy = request("/slow");
    curl_multi_add_handle(multi, easy);
    for (int i = 0; i < 3; i++) drive(multi);
    curl_easy_reset(easy);
    curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
}

static void headers(CURLM *multi) {
    CURL *easy = request("/headers");
    struct curl_slist *first = curl_slist_append(NULL, "X-Number: 1"), *second = curl_slist_append(NULL, "X-Number: 2");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, first);
    curl_multi_add_handle(multi, easy);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, second);
    curl_slist_free_all(first);
    drive_to_end(multi);
    int left;
    CHECK(curl_multi_info_read(multi, &left) != NULL);
    curl_multi_remove_handle(multi, easy);
    // As the program left it: its second list.
    CHECK(curl_easy_perform(easy) == CURLE_OK);
    curl_slist_free_all(second);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_multi_add_handle(multi, easy);
    drive_to_end(multi);
    CHECK(read_all(multi, CURLE_OK) == 1);
}

static void refused(CURLM *multi) {
    CURL *easy = request("/once");
    CURLM *other = curl_multi_init();
    CHECK(curl_multi_add_handle(multi, NULL) == CURLM_BAD_EASY_HANDLE);
    CHECK(curl_multi_add_handle(NULL, easy) == CURLM_BAD_HANDLE);
    CHECK(curl_multi_add_handle(multi, easy) == CURLM_OK);
    CHECK(curl_multi_add_handle(multi, easy) == CURLM_ADDED_ALREADY);
    CHECK(curl_multi_add_handle(other, easy) == CURLM_ADDED_ALREADY);
    CHECK(curl_easy_perform(easy) == CURLE_FAILED_INIT);
    CHECK(curl_multi_remove_handle(other, easy) == CURLM_BAD_EASY_HANDLE);
    CHECK(curl_multi_cleanup(other) == CURLM_OK);
    CHECK(curl_multi_cleanup(NULL) == CURLM_BAD_HANDLE);
    drive_to_end(multi);
    CHECK(read_all(multi, CURLE_OK) == 1);
}

static void forked(CURLM *multi) {
    CURL *easy = request("/slow");
    curl_multi_add_handle(multi, easy);
    for (int i = 0; i < 3; i++) drive(multi);
    pid_t child = fork();
    if (child == 0) {
        curl_multi_remove_handle(multi, easy);
        curl_easy_cleanup(easy);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    drive_to_end(multi);
    CHECK(read_all(multi, CURLE_OK) == 1);
}

static const struct {
    const char *name;
    void (*run)(CURLM *);
} kinds[] = {
    {"perform", perform}, {"socket", by_sockets}, {"all", all},   {"late", late},     {"unread", unread},   {"early", early},
    {"cleanup", cleaned_up}, {"threads", threads}, {"again", again}, {"copy", copy},     {"nested", nested}, {"reset", reset},
    {"headers", headers}, {"refused", refused}, {"forked", forked},
};

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    base = argv[2];
    file = argv[3];
    curl_global_init(CURL_GLOBAL_ALL);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, argv[1])) continue;
        CURLM *multi = curl_multi_init();
        kinds[i].run(multi);
        CHECK(curl_multi_cleanup(multi) == CURLM_OK);
        printf("%s: %zu bytes, errno %d\n", argv[1], received, errno == EINVAL);
        return 0;
    }
    return 3;
}
