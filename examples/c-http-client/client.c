// c-http-client URL [COUNT]: asks for URL COUNT times with one libcurl handle, a header list of its own each time.
//
// Build:  cc -o c-http-client client.c -lcurl
// Trace:  otel-instrument ./c-http-client http://127.0.0.1:8080/ 3
//
// Nothing in here knows about tracing. The list is freed right after each request, as libcurl's documentation allows; an agent that
// appended to it or kept a pointer into it would be found out here.
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t discard(char *body, size_t size, size_t count, void *context) {
    (void)body, (void)context;
    return size * count;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s URL [COUNT]\n", argv[0]);
        return 2;
    }
    long count = argc > 2 ? atol(argv[2]) : 1;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *handle = curl_easy_init();
    if (!handle) return 1;
    curl_easy_setopt(handle, CURLOPT_URL, argv[1]);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, discard);
    long succeeded = 0;
    for (long i = 0; i < count; i++) {
        char header[64];
        snprintf(header, sizeof header, "X-Request-Number: %ld", i);
        struct curl_slist *headers = curl_slist_append(NULL, header);
        headers = curl_slist_append(headers, "Accept: */*");
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);

        CURLcode code = curl_easy_perform(handle);

        // The list is as we made it: two entries, ours.
        if (!headers->next || headers->next->next || strcmp(headers->data, header)) {
            fprintf(stderr, "request %ld: somebody changed the header list\n", i);
            return 1;
        }
        curl_slist_free_all(headers);
        if (code != CURLE_OK) {
            fprintf(stderr, "request %ld: %s\n", i, curl_easy_strerror(code));
            return 1;
        }
        succeeded++;
    }
    curl_easy_cleanup(handle);
    curl_global_cleanup();
    printf("%ld requests answered\n", succeeded);
    return 0;
}
