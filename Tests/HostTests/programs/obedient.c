// obedient PORT URL: does what each line of its input says, and answers with a line.
//   d   dials
//   D   dials a thousand times
//   g   gets URL
//   h   begins, in a thread of its own, to get URL/slow
//   w   waits for what `h` began
#include "dial.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static char slow[512];

static size_t ignore(char *bytes, size_t size, size_t times, void *unused) {
    (void)bytes, (void)unused;
    return size * times;
}

static long get(const char *url) {
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    long result = curl_easy_perform(easy);
    curl_easy_cleanup(easy);
    return result;
}

static void *begin(void *unused) {
    (void)unused;
    return (void *)get(slow);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    int port = atoi(argv[1]);
    char line[64];
    pthread_t thread;
    snprintf(slow, sizeof slow, "%s/slow", argv[2]);
    while (fgets(line, sizeof line, stdin)) {
        void *ended = NULL;
        long result = 0;
        if (line[0] == 'd') result = dial(port);
        for (int i = 0; line[0] == 'D' && i < 1000; i++) result += dial(port) != 0;
        if (line[0] == 'g') result = get(argv[2]);
        if (line[0] == 'h') result = pthread_create(&thread, NULL, begin, NULL);
        if (line[0] == 'w') result = pthread_join(thread, &ended) + (long)ended;
        printf("%c %ld\n", line[0], result);
        fflush(stdout);
    }
    return 5;
}
