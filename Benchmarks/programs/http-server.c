// An HTTP/1.1 server on loopback that costs next to nothing: GET answers a small text, POST takes an OTLP trace request and counts its
// spans. Prints its port at once, and "requests spans bytes" on SIGTERM. Connections are kept alive; one thread.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, BUFFER = 8 << 20 };

struct connection {
    char *data;
    size_t length;
    int continued;
};
static struct pollfd descriptors[CONNECTIONS_MAX + 1];
static struct connection connections[CONNECTIONS_MAX + 1];
static uint64_t requests, spans, bytes;
static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

static uint64_t varint(const uint8_t **at, const uint8_t *end) {
    uint64_t value = 0;
    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
    return value;
}

/// Counts the messages at the end of `path` (field numbers, all length-delimited) in the message [at, end).
static uint64_t count_messages(const uint8_t *at, const uint8_t *end, const int *path, int depth) {
    uint64_t count = 0;
    while (at < end) {
        uint64_t tag = varint(&at, end), length = 0;
        switch (tag & 7) {
        case 0: varint(&at, end); continue;
        case 1: length = 8; break;
        case 2: length = varint(&at, end); break;
        case 5: length = 4; break;
        default: return count;
        }
        if (length > (uint64_t)(end - at)) return count;
        if ((tag & 7) == 2 && (int)(tag >> 3) == path[0])
            count += depth == 1 ? 1 : count_messages(at, at + length, path + 1, depth - 1);
        at += length;
    }
    return count;
}

static void answer(int socket, const char *text) {
    size_t length = strlen(text);
    if (send(socket, text, length, MSG_NOSIGNAL) != (ssize_t)length) shutdown(socket, SHUT_RDWR);
}

/// Answers one whole request at the start of the buffer; returns its length, 0 when it is not yet whole.
static size_t serve(int socket, struct connection *connection) {
    char *head_end = memmem(connection->data, connection->length, "\r\n\r\n", 4);
    if (!head_end) return 0;
    *head_end = 0;
    size_t head = (size_t)(head_end - connection->data) + 4, body = 0;
    char *length_field = strcasestr(connection->data, "\r\ncontent-length:");
    if (length_field) body = strtoul(length_field + 17, NULL, 10);
    int expects = strcasestr(connection->data, "\r\nexpect: 100-continue") != NULL;
    *head_end = '\r';
    if (body > BUFFER - head) exit(4);
    if (connection->length < head + body) {
        if (expects && !connection->continued) answer(socket, "HTTP/1.1 100 Continue\r\n\r\n");
        connection->continued = 1;
        return 0;
    }
    connection->continued = 0;
    requests++;
    bytes += body;
    if (connection->data[0] == 'P') {
        static const int path[] = {1, 2, 2};  // resource_spans, scope_spans, spans
        const uint8_t *start = (const uint8_t *)connection->data + head;
        spans += count_messages(start, start + body, path, 3);
        answer(socket, "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n");
    } else {
        answer(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 26\r\n\r\nThe quick brown fox jumps\n");
    }
    return head + body;
}

static void receive(int index) {
    struct connection *connection = &connections[index];
    ssize_t got = recv(descriptors[index].fd, connection->data + connection->length, BUFFER - connection->length, 0);
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        close(descriptors[index].fd);
        descriptors[index].fd = -1;
        connection->length = 0;
        return;
    }
    connection->length += (size_t)got;
    for (size_t used; (used = serve(descriptors[index].fd, connection));) {
        memmove(connection->data, connection->data + used, connection->length - used);
        connection->length -= used;
    }
}

static void accept_one(int listener) {
    int socket = accept(listener, NULL, NULL), one = 1;
    if (socket < 0) return;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (int i = 1; i <= CONNECTIONS_MAX; i++) {
        if (descriptors[i].fd >= 0) continue;
        if (!connections[i].data) connections[i].data = malloc(BUFFER + 1);
        if (!connections[i].data) exit(4);
        descriptors[i] = (struct pollfd){socket, POLLIN, 0};
        connections[i].length = 0;
        return;
    }
    close(socket);
}

int main(void) {
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, CONNECTIONS_MAX)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    descriptors[0] = (struct pollfd){listener, POLLIN, 0};
    for (int i = 1; i <= CONNECTIONS_MAX; i++) descriptors[i].fd = -1;
    while (!stopped) {
        if (poll(descriptors, CONNECTIONS_MAX + 1, 100) <= 0) continue;
        if (descriptors[0].revents) accept_one(listener);
        for (int i = 1; i <= CONNECTIONS_MAX; i++)
            if (descriptors[i].fd >= 0 && descriptors[i].revents) receive(i);
    }
    printf("%lu %lu %lu\n", requests, spans, bytes);
    return 0;
}
