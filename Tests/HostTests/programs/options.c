// options URL: every kind of curl_easy_setopt argument (long, pointer, function, curl_off_t, blob), duphandle and reset; prints what
// came back through them. Under the agent all of it has to pass through unchanged.
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t take(char *bytes, size_t size, size_t count, void *sum) {
    (void)bytes;
    *(size_t *)sum += size * count;
    return size * count;
}
static int progress(void *seen, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)a, (void)b, (void)c, (void)d;
    *(int *)seen = 1;
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    size_t bytes = 0;
    int seen = 0;
    char error[CURL_ERROR_SIZE] = "";
    CURL *handle = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "X-One: 1");
    printf("%d", curl_easy_setopt(handle, CURLOPT_URL, argv[1]));
    printf(" %d", curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take));
    printf(" %d", curl_easy_setopt(handle, CURLOPT_WRITEDATA, &bytes));
    printf(" %d", curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, progress));
    printf(" %d", curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &seen));
    printf(" %d", curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L));
    printf(" %d", curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error));
    printf(" %d", curl_easy_setopt(handle, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)1 << 40));
    printf(" %d", curl_easy_setopt(handle, CURLOPT_PRIVATE, &bytes));
    printf(" %d", curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers));
    // Its size too: without it libcurl 7.88 cannot duplicate the handle.
    printf(" %d", curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, 3L));
    printf(" %d", curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, "a=1"));
    struct curl_blob blob = {(void *)"x", 1, CURL_BLOB_COPY};
    printf(" %d", curl_easy_setopt(handle, CURLOPT_SSLCERT_BLOB, &blob));
    printf(" %d\n", curl_easy_setopt(handle, (CURLoption)123456, 1L));

    printf("perform %d\n", curl_easy_perform(handle));
    long status = 0;
    void *private = NULL;
    curl_off_t uploaded = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &private);
    curl_easy_getinfo(handle, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    printf("status %ld private %d uploaded %ld received %zu progress %d\n", status, private == &bytes, (long)uploaded, bytes, seen);

    CURL *copy = curl_easy_duphandle(handle);
    printf("copy %d\n", curl_easy_perform(copy));
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);  // The copy still points at it: it must not be used again.
    curl_easy_cleanup(copy);
    curl_easy_reset(handle);
    curl_easy_setopt(handle, CURLOPT_URL, argv[1]);
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    printf("after reset %d\n", curl_easy_perform(handle));
    curl_easy_cleanup(handle);
    printf("null %d %d\n", curl_easy_setopt(NULL, CURLOPT_URL, argv[1]), curl_easy_perform(NULL));
    return 0;
}
