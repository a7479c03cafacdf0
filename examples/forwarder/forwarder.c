// forwarder [PORT]: a small HTTP service that calls others, as a gateway does, and hands the trace context on by itself.
//
// Build:  cc -pthread -o forwarder forwarder.c -lcurl
// Trace:  OTEL_NATIVE_CURL_REPARENT=true otel-instrument ./forwarder 8000
//         curl -d '[{"url": "http://127.0.0.1:8080/", "arguments": []}]' http://127.0.0.1:8000/
//
// Each POST of [{"url": ..., "arguments": [...]}, ...] makes it POST the arguments to each url, one after the other. Without a port it takes a free one,
// and says which. Nothing in here knows about tracing but the names of the headers that it hands on, as they came; OTEL_NATIVE_CURL_REPARENT says that
// this is what they are. (It is what W3C's validation suite asks a service to do: scripts/w3c-trace-context.)
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 1 << 20 };

static const char *const handed_on[] = {
    "traceparent",   "tracestate",      "baggage",           "b3",               "X-B3-TraceId",      "X-B3-SpanId", "X-B3-Sampled", "X-B3-Flags",
    "uber-trace-id", "X-Amzn-Trace-Id", "ot-tracer-traceid", "ot-tracer-spanid", "ot-tracer-sampled",
};

static size_t discard(char *body, size_t size, size_t count, void *context) {
    (void)body, (void)context;
    return size * count;
}

// One request.

/// Reads a head and a body of Content-Length bytes; returns the body, or NULL when that is not what came. `buffer` holds both.
static char *read_request(int client, char *buffer) {
    size_t used = 0;
    char *body = NULL;
    size_t missing = 0;
    for (;;) {
        ssize_t count = read(client, buffer + used, REQUEST_MAX - used);
        if (count <= 0) return NULL;
        used += (size_t)count;
        buffer[used] = 0;
        if (!body) {
            char *end = strstr(buffer, "\r\n\r\n");
            if (!end) continue;
            body = end + 4;
            end[2] = 0;
            const char *length = strcasestr(buffer, "\r\nContent-Length:");
            missing = length ? strtoul(length + 17, NULL, 10) : 0;
        }
        if ((size_t)(buffer + used - body) >= missing) return body;
    }
}

/// The headers that are handed on. An empty one is written `Name;`, as libcurl has it.
static struct curl_slist *headers_of(char *head) {
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    char *state = NULL;
    for (char *line = strtok_r(head, "\r\n", &state); line; line = strtok_r(NULL, "\r\n", &state)) {
        char *colon = strchr(line, ':');
        if (!colon) continue;
        for (size_t i = 0; i < sizeof handed_on / sizeof *handed_on; i++) {
            size_t length = strlen(handed_on[i]);
            if ((size_t)(colon - line) != length || strncasecmp(line, handed_on[i], length) != 0) continue;
            if (colon[1 + strspn(colon + 1, " \t")] == 0) strcpy(colon, ";");
            list = curl_slist_append(list, line);
        }
    }
    return list;
}

static void call(const char *url, const char *arguments, struct curl_slist *headers) {
    CURL *handle = curl_easy_init();
    if (!handle) return;
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, arguments);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, 10L);
    CURLcode code = curl_easy_perform(handle);
    if (code != CURLE_OK) fprintf(stderr, "forwarder: %s: %s\n", url, curl_easy_strerror(code));
    curl_easy_cleanup(handle);
}

// What there is of JSON here.

/// Where the string that begins at `text` ends: at its closing quote.
static char *string_end(char *text) {
    for (text++; *text && *text != '"'; text++) {
        if (*text == '\\' && text[1]) text++;
    }
    return text;
}

/// Where the array that begins at `text` ends: behind its bracket.
static char *array_end(char *text) {
    int depth = 0;
    for (; *text; text++) {
        if (*text == '"') text = string_end(text);
        if (!*text) break;
        if (*text == '[') depth++;
        if (*text == ']' && --depth == 0) return text + 1;
    }
    return text;
}

/// The value of "name" in the object that begins at `text`, or NULL.
static char *member(char *text, const char *name) {
    int depth = 0;
    size_t length = strlen(name);
    for (; *text; text++) {
        if (*text == '"') {
            char *end = string_end(text);
            if (!*end) return NULL;
            int is_name = depth == 1 && (size_t)(end - text) == length + 1 && strncmp(text + 1, name, length) == 0;
            text = end;
            if (is_name) {
                text += 1 + strspn(text + 1, " \t\r\n");
                if (*text == ':') return text + 1 + strspn(text + 1, " \t\r\n");
            }
        } else if (*text == '{' || *text == '[') {
            depth++;
        } else if ((*text == '}' || *text == ']') && --depth == 0) {
            return NULL;
        }
    }
    return NULL;
}

static void call_all(char *body, struct curl_slist *headers) {
    char *at = strchr(body, '{');
    while (at) {
        char *url = member(at, "url"), *arguments = member(at, "arguments");
        if (!url || *url != '"') return;
        char *url_end = string_end(url);
        char *next = url_end;
        char *copy = NULL;
        if (arguments && *arguments == '[') {
            char *end = array_end(arguments);
            copy = strndup(arguments, (size_t)(end - arguments));
            if (end > next) next = end;
        }
        char kept = *url_end;
        *url_end = 0;
        call(url + 1, copy ? copy : "[]", headers);
        *url_end = kept;
        free(copy);
        at = *next ? strchr(next, '{') : NULL;
    }
}

static void *serve(void *context) {
    int client = (int)(intptr_t)context;
    char *buffer = malloc(REQUEST_MAX + 1);
    char *body = buffer ? read_request(client, buffer) : NULL;
    if (body) {
        struct curl_slist *headers = headers_of(buffer);
        call_all(body, headers);
        curl_slist_free_all(headers);
        static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]";
        if (write(client, answer, sizeof answer - 1) < 0) perror("forwarder: write");
    }
    free(buffer);
    close(client);
    return NULL;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 64) != 0) {
        perror("forwarder: cannot listen");
        return 1;
    }
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) continue;
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) == 0) {
            pthread_detach(thread);
        } else {
            close(client);
        }
    }
}
