// unwinds KIND URL BUSY: leaves a hooked call 50 times without returning from it, then connects to URL's port as always. BUSY is a
// port whose queue is full: a connect to it blocks.
//   longjmp   out of a write callback of curl_easy_perform
//   exit      pthread_exit in a write callback
//   cancel    pthread_cancel of a thread that is blocked in connect
#include "dial.h"
#include <curl/curl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMES = 50 };
static char url[64];
static int busy;
static jmp_buf away;

static size_t jump(char *bytes, size_t size, size_t count, void *unused) {
    (void)bytes, (void)size, (void)count, (void)unused;
    longjmp(away, 1);
}
static size_t leave(char *bytes, size_t size, size_t count, void *unused) {
    (void)bytes, (void)size, (void)count, (void)unused;
    pthread_exit(NULL);
}

static void request(curl_write_callback callback) {
    CURL *handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, callback);
    curl_easy_perform(handle);
}

static void *ends_in_callback(void *unused) {
    (void)unused;
    request(leave);
    return NULL;
}
static void *blocks(void *unused) {
    (void)unused;
    dial(busy);
    return NULL;
}

static void in_thread(void *(*work)(void *), int cancels) {
    pthread_t thread;
    void *result;
    if (pthread_create(&thread, NULL, work, NULL)) exit(4);
    if (cancels) {
        usleep(5000);
        pthread_cancel(thread);
    }
    if (pthread_join(thread, &result)) exit(5);
    if (cancels && result != PTHREAD_CANCELED) exit(6);
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    snprintf(url, sizeof url, "%s", argv[2]);
    char *colon = strrchr(argv[2], ':');
    int port = atoi(colon + 1);
    busy = atoi(argv[3]);
    curl_global_init(CURL_GLOBAL_ALL);
    for (volatile int i = 0; i < TIMES; i++) {
        if (!strcmp(argv[1], "longjmp")) {
            if (setjmp(away) == 0) request(jump);
        } else if (!strcmp(argv[1], "exit")) {
            in_thread(ends_in_callback, 0);
        } else {
            in_thread(blocks, 1);
        }
    }
    int error = dial(port);
    printf("then %d\n", error);
    return 0;
}
