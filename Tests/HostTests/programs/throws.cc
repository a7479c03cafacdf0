// throws URL: a C++ exception out of a write callback, through curl_easy_perform, 50 times; then a request as always.
#include <cstdio>
#include <curl/curl.h>
#include <stdexcept>

static size_t fail(char *, size_t, size_t, void *) { throw std::runtime_error("callback"); }
static size_t take(char *, size_t size, size_t count, void *) { return size * count; }

static CURLcode request(const char *url, curl_write_callback callback) {
    CURL *handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, callback);
    CURLcode result = curl_easy_perform(handle);
    curl_easy_cleanup(handle);
    return result;
}

int main(int, char **arguments) {
    int caught = 0;
    for (int i = 0; i < 50; i++) {
        try {
            request(arguments[1], fail);
        } catch (const std::runtime_error &) {
            caught++;
        }
    }
    std::printf("%d caught, then %d\n", caught, request(arguments[1], take));
}
