// settings URL: requests with headers of all kinds, by both of libcurl's interfaces. URL answers at any path; /headers?a=b with the header a: b.
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *base;
static size_t received;

static size_t count(char *bytes, size_t size, size_t times, void *unused) {
    (void)bytes, (void)unused;
    received += size * times;
    return size * times;
}

static void to(CURL *easy, const char *path) {
    char url[2048];
    snprintf(url, sizeof url, "%s%s", base, path);
    curl_easy_setopt(easy, CURLOPT_URL, url);
}

static CURL *request(const char *path) {
    CURL *easy = curl_easy_init();
    to(easy, path);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    return easy;
}

static struct curl_slist *list(const char *const *lines) {
    struct curl_slist *made = NULL;
    for (; *lines; lines++) made = curl_slist_append(made, *lines);
    return made;
}

static void perform(CURL *easy, const char *what) {
    long status = 0;
    received = 0;
    errno = 4242;
    CURLcode result = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    printf("%s: %d, %ld, %zu bytes\n", what, result, status, received);
}

/// What the program asks of libcurl itself is as without anybody else who asks.
static void read_headers(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075400
    struct curl_header *header = NULL;
    size_t number = 0;
    while ((header = curl_easy_nextheader(easy, CURLH_HEADER, -1, header))) {
        if (strcasecmp(header->name, "Date") == 0) continue;
        printf("  %s:", header->name);
        for (const char *byte = header->value; *byte; byte++) printf(" %02x", (unsigned char)*byte);
        printf(" (%zu of %zu)\n", header->index, header->amount);
        if (number++ > 50) break;
    }
    printf("%d\n", curl_easy_header(easy, "x-many", 1, CURLH_HEADER, -1, &header));
#endif
}

static void easy_interface(void) {
    CURL *easy = request("/list");
    struct curl_slist *headers = list((const char *const[]){"X-One: 1", "x-two:  two words ", "X-TWO: again", "Accept:", "X-Empty;", "X-Bad", "X-Bytes: a\xff\xc3\xa9",
                                                            "X-Secret-Key: CANARY", "Authorization: Bearer CANARY", "User-Agent: mine", NULL});
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "not seen");
    curl_easy_setopt(easy, CURLOPT_COOKIE, "session=CANARY");
    perform(easy, "list");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy, CURLOPT_REFERER, "https://u:CANARY@from.example/?sig=CANARY&page=2");
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "a=1");
    to(easy, "/options");
    perform(easy, "options");
    CURL *copy = curl_easy_duphandle(easy);
    to(copy, "/copy");
    perform(copy, "copy");
    curl_mime *form = curl_mime_init(copy);
    curl_mimepart *part = curl_mime_addpart(form);
    curl_mime_name(part, "name");
    curl_mime_data(part, "value", CURL_ZERO_TERMINATED);
    curl_easy_setopt(copy, CURLOPT_MIMEPOST, form);
    to(copy, "/form");
    perform(copy, "form");
    curl_mime_free(form);
    curl_easy_cleanup(copy);
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    to(easy, "/headers?X-Many=one&x-many=two&Set-Cookie=s%3DCANARY&X-Empty=&X-Latin=a%E9&X-Api-Token=CANARY&"
             "Content-Location=http%3A%2F%2Fu%3ACANARY%40h%2F%3Fsig%3DCANARY");
    perform(easy, "headers");
    read_headers(easy);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    to(easy, "/redirect");
    perform(easy, "redirect");
    read_headers(easy);
    to(easy, "/excluded/7");
    perform(easy, "excluded");
    to(easy, "/after");
    perform(easy, "after");
    CURLU *url = curl_url();
    char text[2048];
    snprintf(text, sizeof text, "%s/excluded/by-handle", base);
    curl_url_set(url, CURLUPART_URL, text, 0);
    // Beside CURLOPT_URL it would count as well, and not be told.
    curl_easy_setopt(easy, CURLOPT_URL, NULL);
    curl_easy_setopt(easy, CURLOPT_CURLU, url);
    perform(easy, "url handle");
    curl_easy_cleanup(easy);
    curl_url_cleanup(url);
    curl_slist_free_all(headers);
}

static void multi_interface(void) {
    CURLM *multi = curl_multi_init();
    static const char *const paths[] = {"/multi/1", "/excluded/8", "/multi/2?X-Many=1", NULL};
    CURL *handles[3];
    struct curl_slist *headers[3];
    for (int i = 0; paths[i]; i++) {
        handles[i] = request(paths[i]);
        headers[i] = list((const char *const[]){"X-One: of many", NULL});
        curl_easy_setopt(handles[i], CURLOPT_HTTPHEADER, headers[i]);
        printf("added: %d\n", curl_multi_add_handle(multi, handles[i]));
    }
    int running = 1;
    while (running) {
        curl_multi_perform(multi, &running);
        if (running) curl_multi_wait(multi, NULL, 0, 100, NULL);
    }
    // Nobody reads the results, and the lists go first: libcurl needs them no more.
    for (int i = 0; paths[i]; i++) {
        long status = 0;
        curl_easy_setopt(handles[i], CURLOPT_HTTPHEADER, NULL);
        memset(headers[i]->data, 'z', strlen(headers[i]->data));
        curl_slist_free_all(headers[i]);
        curl_easy_getinfo(handles[i], CURLINFO_RESPONSE_CODE, &status);
        printf("removed: %d, %ld\n", curl_multi_remove_handle(multi, handles[i]), status);
        curl_easy_cleanup(handles[i]);
    }
    printf("cleaned up: %d\n", curl_multi_cleanup(multi));
}

int main(int count, char **arguments) {
    base = arguments[1];
    if (count != 2) return 2;
    curl_global_init(CURL_GLOBAL_ALL);
    easy_interface();
    multi_interface();
    curl_global_cleanup();
    return 0;
}
