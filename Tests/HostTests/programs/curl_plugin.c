// A library that brings its own libcurl (GnuTLS), as a Python extension would: loaded with RTLD_LOCAL.
#include <curl/curl.h>

int fetch(const char *url) {
    CURL *handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, curl_version());
    CURLcode code = curl_easy_perform(handle);
    curl_easy_cleanup(handle);
    return (int)code;
}
