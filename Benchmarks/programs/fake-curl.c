// A libcurl that transfers nothing and answers at once: what a call of it costs under the agent is the agent's.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdarg.h>
#include <stdlib.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

struct fake {
    const char *url;
};

CURLcode curl_global_init(long flags) { return (void)flags, CURLE_OK; }
void curl_global_cleanup(void) {}
CURL *curl_easy_init(void) { return calloc(1, sizeof(struct fake)); }
void curl_easy_cleanup(CURL *handle) { free(handle); }
void curl_easy_reset(CURL *handle) { (void)handle; }
CURL *curl_easy_duphandle(CURL *handle) {
    struct fake *copy = curl_easy_init();
    if (copy) *copy = *(struct fake *)handle;
    return copy;
}
CURLcode curl_easy_perform(CURL *handle) { return (void)handle, CURLE_OK; }

CURLcode curl_easy_setopt(CURL *handle, CURLoption option, ...) {
    va_list arguments;
    va_start(arguments, option);
    if (option == CURLOPT_URL) ((struct fake *)handle)->url = va_arg(arguments, const char *);
    va_end(arguments);
    return CURLE_OK;
}

CURLcode curl_easy_getinfo(CURL *handle, CURLINFO info, ...) {
    va_list arguments;
    va_start(arguments, info);
    void *result = va_arg(arguments, void *);
    va_end(arguments);
    switch (info) {
    case CURLINFO_RESPONSE_CODE: *(long *)result = 200; break;
    case CURLINFO_HTTP_VERSION: *(long *)result = CURL_HTTP_VERSION_1_1; break;
    case CURLINFO_EFFECTIVE_URL: *(const char **)result = ((struct fake *)handle)->url; break;
    case CURLINFO_EFFECTIVE_METHOD: *(const char **)result = "GET"; break;
    case CURLINFO_SCHEME: *(const char **)result = "HTTP"; break;
    // No peer: six attributes are left.
    case CURLINFO_PRIMARY_IP: *(const char **)result = ""; break;
    case CURLINFO_PRIMARY_PORT: *(long *)result = 0; break;
    case CURLINFO_REDIRECT_COUNT: *(long *)result = 0; break;
    default: return CURLE_UNKNOWN_OPTION;
    }
    return CURLE_OK;
}

// calls.c refers to these, and asks only a real libcurl for them.
CURLM *curl_multi_init(void) { return NULL; }
CURLMcode curl_multi_add_handle(CURLM *multi, CURL *handle) { return (void)multi, (void)handle, CURLM_BAD_HANDLE; }
CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *handle) { return (void)multi, (void)handle, CURLM_BAD_HANDLE; }
CURLMcode curl_multi_perform(CURLM *multi, int *running) { return (void)multi, (void)running, CURLM_BAD_HANDLE; }
CURLMsg *curl_multi_info_read(CURLM *multi, int *queued) { return (void)multi, (void)queued, NULL; }
CURLMcode curl_multi_poll(CURLM *multi, struct curl_waitfd extra[], unsigned count, int timeout, int *numfds) {
    return (void)multi, (void)extra, (void)count, (void)timeout, (void)numfds, CURLM_BAD_HANDLE;
}
