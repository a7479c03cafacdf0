// libcurl for Swift: its variadic functions, with exact types. `curl_easy_setopt` reads its third argument by va_arg, so a caller that
// passes an int where a long is read has undefined behaviour; here the compiler checks it.
#pragma once
#include <curl/curl.h>

#pragma clang assume_nonnull begin

CURLcode ccurl_easy_set_long(CURL *easy, CURLoption option, long value);
CURLcode ccurl_easy_set_offset(CURL *easy, CURLoption option, curl_off_t value);
/// libcurl copies the string; NULL resets the option.
CURLcode ccurl_easy_set_string(CURL *easy, CURLoption option, const char *_Nullable value);
/// libcurl copies `count` bytes, so that the caller may free them. NULL is for none.
CURLcode ccurl_easy_copy_post_fields(CURL *easy, const void *_Nullable bytes, curl_off_t count);
/// libcurl copies `count` bytes. CURLE_UNKNOWN_OPTION from a library that is older than the option.
CURLcode ccurl_easy_set_blob(CURL *easy, CURLoption option, const void *bytes, size_t count);
/// Of CURL_ERROR_SIZE bytes; borrowed for as long as the handle is used.
CURLcode ccurl_easy_set_error_buffer(CURL *easy, char *buffer);
/// Frees the copy made by `ccurl_easy_copy_post_fields`.
CURLcode ccurl_easy_forget_post_fields(CURL *easy);
/// The list is borrowed for as long as the handle uses it.
CURLcode ccurl_easy_set_headers(CURL *easy, struct curl_slist *_Nullable headers);

typedef size_t (*ccurl_write)(char *bytes, size_t size, size_t count, void *_Nullable context);
CURLcode ccurl_easy_set_write(CURL *easy, ccurl_write function, void *_Nullable context);

CURLcode ccurl_easy_get_long(CURL *easy, CURLINFO info, long *value);
CURLcode ccurl_easy_get_offset(CURL *easy, CURLINFO info, curl_off_t *value);

CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value);

/// The next finished transfer: its handle and result. NULL when there is none.
CURL *_Nullable ccurl_multi_next_finished(CURLM *multi, CURLcode *result);

#pragma clang assume_nonnull end
