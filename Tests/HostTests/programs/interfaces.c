// interfaces KIND URL: libcurl's interfaces beside plain transfers. URL answers at any path; /held never.
//   share     eight threads, five transfers each, sharing names and connections behind locks
//   pause     a transfer that its callback pauses, and that goes on later
//   connect   CURLOPT_CONNECT_ONLY: the request is sent and received by curl_easy_send and curl_easy_recv
//   mime      a form
//   callback  callbacks that set, copy, clean up and perform other handles
//   moves     one handle, performed by eight threads in turn
//   lists     one header list of two handles in two threads; freed, changed and replaced as soon as libcurl allows
//   reuse     one handle, sixty times
//   copies    a handle, its copy, the copy after a reset
//   many      a hundred handles in one multi handle, twenty of them added while it runs, twenty taken out
//   abort     a transfer that its progress callback ends
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *base;
static _Atomic size_t received;

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

static void set_path(CURL *easy, const char *path) {
    char url[256];
    snprintf(url, sizeof url, "%s%s", base, path);
    CHECK(curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK);
}
static CURL *request(const char *path) {
    CURL *easy = curl_easy_init();
    set_path(easy, path);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_PRIVATE, easy);
    return easy;
}
static void perform(CURL *easy) {
    CHECK(curl_easy_perform(easy) == CURLE_OK);
    void *own;
    CHECK(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &own) == CURLE_OK && own == easy);
}
static void finish(CURL *easy) {
    perform(easy);
    curl_easy_cleanup(easy);
}

static pthread_mutex_t locks[CURL_LOCK_DATA_LAST];
static void lock(CURL *easy, curl_lock_data data, curl_lock_access access, void *unused) {
    (void)easy, (void)access, (void)unused;
    pthread_mutex_lock(&locks[data]);
}
static void unlock(CURL *easy, curl_lock_data data, void *unused) {
    (void)easy, (void)unused;
    pthread_mutex_unlock(&locks[data]);
}
static void *shares(void *share) {
    CURL *easy = request("/shared");
    CHECK(curl_easy_setopt(easy, CURLOPT_SHARE, share) == CURLE_OK);
    for (int i = 0; i < 5; i++) perform(easy);
    curl_easy_cleanup(easy);
    return NULL;
}
static void share(void) {
    CURLSH *share = curl_share_init();
    for (int i = 0; i < CURL_LOCK_DATA_LAST; i++) pthread_mutex_init(&locks[i], NULL);
    curl_share_setopt(share, CURLSHOPT_LOCKFUNC, lock);
    curl_share_setopt(share, CURLSHOPT_UNLOCKFUNC, unlock);
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    // While one thread makes the first record of a process, the others' pass by.
    finish(request("/first"));
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, shares, share);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    CHECK(curl_share_cleanup(share) == CURLSHE_OK);
}

static int paused;
static size_t pauses(char *bytes, size_t size, size_t times, void *unused) {
    if (!paused++) return CURL_WRITEFUNC_PAUSE;
    return count(bytes, size, times, unused);
}
static int drive(CURLM *multi) {
    int running;
    CHECK(curl_multi_perform(multi, &running) == CURLM_OK);
    if (running) curl_multi_poll(multi, NULL, 0, 20, NULL);
    return running;
}
static void pausing(void) {
    CURLM *multi = curl_multi_init();
    CURL *easy = request("/paused");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, pauses);
    CHECK(curl_multi_add_handle(multi, easy) == CURLM_OK);
    while (!paused) drive(multi);
    for (int i = 0; i < 5; i++) CHECK(drive(multi) == 1);
    CHECK(curl_easy_pause(easy, CURLPAUSE_CONT) == CURLE_OK);
    CHECK(curl_multi_wakeup(multi) == CURLM_OK);
    while (drive(multi)) continue;
    int left;
    CHECK(curl_multi_info_read(multi, &left)->data.result == CURLE_OK);
    curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
}

static void connects(void) {
    CURL *easy = request("/");
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    CHECK(curl_easy_perform(easy) == CURLE_OK);
    static const char text[] = "GET /by-hand HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    size_t size, total = 0;
    CHECK(curl_easy_send(easy, text, sizeof text - 1, &size) == CURLE_OK && size == sizeof text - 1);
    char answer[4096];
    CURLcode result;
    while ((result = curl_easy_recv(easy, answer + total, sizeof answer - total, &size)) == CURLE_AGAIN || (result == CURLE_OK && size > 0)) {
        if (result == CURLE_OK) total += size;
        else usleep(1000);
    }
    CHECK(total > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0);
    // The same handle makes requests again.
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 0L);
    set_path(easy, "/afterwards");
    finish(easy);
}

static void mime(void) {
    CURL *easy = request("/form");
    curl_mime *form = curl_mime_init(easy);
    curl_mimepart *part = curl_mime_addpart(form);
    curl_mime_name(part, "name");
    curl_mime_data(part, "value", CURL_ZERO_TERMINATED);
    curl_easy_setopt(easy, CURLOPT_MIMEPOST, form);
    // The boundary is another one in each run.
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    perform(easy);
    curl_easy_setopt(easy, CURLOPT_MIMEPOST, NULL);
    curl_mime_free(form);
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    set_path(easy, "/no-form");
    finish(easy);
}

static CURL *other, *third;
static int turns;
static size_t meddles(char *bytes, size_t size, size_t times, void *unused) {
    if (turns++ == 0) {
        set_path(other, "/other");
        CURL *copy = curl_easy_duphandle(other);
        curl_easy_setopt(copy, CURLOPT_PRIVATE, copy);
        curl_easy_cleanup(third);
        finish(copy);
        curl_easy_reset(other);
        CURL *made = request("/made");
        CURLM *multi = curl_multi_init();
        CHECK(curl_multi_add_handle(multi, made) == CURLM_OK);
        while (drive(multi)) continue;
        curl_multi_remove_handle(multi, made);
        curl_multi_cleanup(multi);
        curl_easy_cleanup(made);
    }
    return count(bytes, size, times, unused);
}
static void callback(void) {
    CURL *easy = request("/outer");
    other = request("/unused");
    third = request("/unused");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, meddles);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, count);
    finish(easy);
    curl_easy_cleanup(other);
}

static void *performs(void *easy) {
    perform(easy);
    return NULL;
}
static void moves(void) {
    CURL *easy = request("/moved");
    for (int i = 0; i < 8; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, performs, easy);
        pthread_join(thread, NULL);
    }
    curl_easy_cleanup(easy);
}

static void lists(void) {
    struct curl_slist *list = curl_slist_append(curl_slist_append(NULL, "X-Own: 1"), "X-Own: 2");
    CURL *easy[2] = {request("/list"), request("/list")};
    pthread_t threads[2];
    finish(request("/first"));
    for (int i = 0; i < 2; i++) {
        curl_easy_setopt(easy[i], CURLOPT_HTTPHEADER, list);
        pthread_create(&threads[i], NULL, performs, easy[i]);
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    // Longer; the handles have its first node.
    list = curl_slist_append(list, "X-Own: 3");
    perform(easy[0]);
    curl_easy_setopt(easy[0], CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy[1], CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(list);
    perform(easy[0]);
    for (int i = 0; i < 20; i++) {
        list = curl_slist_append(NULL, "X-Own: 4");
        curl_easy_setopt(easy[1], CURLOPT_HTTPHEADER, list);
        perform(easy[1]);
        curl_slist_free_all(list);
    }
    curl_easy_cleanup(easy[0]);
    curl_easy_cleanup(easy[1]);
}

static void reuse(void) {
    CURL *easy = request("/reused");
    for (int i = 0; i < 60; i++) perform(easy);
    curl_easy_cleanup(easy);
}

static void copies(void) {
    CURL *easy = request("/copied");
    struct curl_slist *list = curl_slist_append(NULL, "X-Own: 1");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    CURL *copy = curl_easy_duphandle(easy);
    curl_easy_setopt(copy, CURLOPT_PRIVATE, copy);
    perform(easy);
    perform(copy);
    curl_easy_cleanup(easy);
    perform(copy);
    curl_easy_reset(copy);
    curl_slist_free_all(list);
    set_path(copy, "/after-reset");
    curl_easy_setopt(copy, CURLOPT_WRITEFUNCTION, count);
    CHECK(curl_easy_perform(copy) == CURLE_OK);
    curl_easy_cleanup(copy);
}

static void many(void) {
    CURLM *multi = curl_multi_init();
    CURL *easy[100], *held[20];
    char path[16];
    for (int i = 0; i < 80; i++) {
        snprintf(path, sizeof path, "/%d", i);
        CHECK(curl_multi_add_handle(multi, easy[i] = request(path)) == CURLM_OK);
    }
    for (int i = 0; i < 20; i++) CHECK(curl_multi_add_handle(multi, held[i] = request("/held")) == CURLM_OK);
    drive(multi);
    for (int i = 80; i < 100; i++) {
        snprintf(path, sizeof path, "/%d", i);
        CHECK(curl_multi_add_handle(multi, easy[i] = request(path)) == CURLM_OK);
        drive(multi);
    }
    for (long size, i = 0; i < 20; i++)
        for (size = 0; size == 0; curl_easy_getinfo(held[i], CURLINFO_REQUEST_SIZE, &size)) drive(multi);
    for (int i = 0; i < 20; i++) {
        CHECK(curl_multi_remove_handle(multi, held[i]) == CURLM_OK);
        curl_easy_cleanup(held[i]);
    }
    while (drive(multi)) continue;
    int left, done = 0;
    while (curl_multi_info_read(multi, &left)) done++;
    CHECK(done == 100);
    for (int i = 0; i < 100; i++) {
        curl_multi_remove_handle(multi, easy[i]);
        curl_easy_cleanup(easy[i]);
    }
    curl_multi_cleanup(multi);
}

static int refuses(void *unused, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up) {
    (void)unused, (void)total, (void)up_total, (void)up;
    return now > 0;
}
static void ended(void) {
    CURL *easy = request("/aborted");
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, refuses);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    CHECK(curl_easy_perform(easy) == CURLE_ABORTED_BY_CALLBACK);
    curl_easy_cleanup(easy);
}

static const struct {
    const char *name;
    void (*run)(void);
} kinds[] = {
    {"share", share}, {"pause", pausing}, {"connect", connects}, {"mime", mime}, {"callback", callback}, {"moves", moves},
    {"lists", lists}, {"reuse", reuse},   {"copies", copies},    {"many", many}, {"abort", ended},
};

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    base = argv[2];
    curl_global_init(CURL_GLOBAL_ALL);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, argv[1])) continue;
        kinds[i].run();
        printf("%s: %zu bytes\n", argv[1], received);
        curl_global_cleanup();
        return 0;
    }
    return 3;
}
