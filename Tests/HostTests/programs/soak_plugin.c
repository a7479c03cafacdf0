// A library that brings its own libcurl, and leaves nothing behind when both are unloaded: soak.c loads it again and again.
#include <curl/curl.h>

int fetch(const char *url) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) return -1;
    CURL *handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    CURLcode code = curl_easy_perform(handle);
    curl_easy_cleanup(handle);
    curl_global_cleanup();
    return (int)code;
}
