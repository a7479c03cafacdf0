// throws URL [multi]: a C++ exception out of a write callback, through curl_easy_perform or curl_multi_perform, 50 times; then a
// request as always.
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

/// libcurl takes itself to be in the callback still: what it was driving can only be left as it is.
static void transfer(const char *url) {
    CURLM *multi = curl_multi_init();
    CURL *handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, fail);
    curl_multi_add_handle(multi, handle);
    for (int running = 1; running; curl_multi_wait(multi, nullptr, 0, 1000, nullptr)) curl_multi_perform(multi, &running);
}

int main(int count, char **arguments) {
    int caught = 0;
    for (int i = 0; i < 50; i++) {
        try {
            if (count > 2) transfer(arguments[1]);
            request(arguments[1], fail);
        } catch (const std::runtime_error &) {
            caught++;
        }
    }
    std::printf("%d caught, then %d\n", caught, request(arguments[1], take));
}
