// together THREADS URL: each thread makes one request, all of them at the same moment and as the first thing that the process does.
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_barrier_t all;
static const char *url;
static int failed;

static size_t discard(char *data, size_t size, size_t count, void *user) {
    (void)data, (void)user;
    return size * count;
}

static void *request(void *unused) {
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    pthread_barrier_wait(&all);
    if (curl_easy_perform(easy) != CURLE_OK) __atomic_add_fetch(&failed, 1, __ATOMIC_RELAXED);
    curl_easy_cleanup(easy);
    return unused;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int count = atoi(argv[1]);
    url = argv[2];
    curl_global_init(CURL_GLOBAL_ALL);
    pthread_t threads[64];
    pthread_barrier_init(&all, NULL, (unsigned)count);
    for (int i = 0; i < count && i < 64; i++) pthread_create(&threads[i], NULL, request, NULL);
    for (int i = 0; i < count && i < 64; i++) pthread_join(threads[i], NULL);
    printf("%d failed\n", failed);
    return 0;
}
