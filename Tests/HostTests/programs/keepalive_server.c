// keepalive_server FILE: prints a free loopback port and answers every HTTP request there with an empty 200 on a kept connection,
// one connection at a time, until it is terminated. Appends the value of each request's traceparent to FILE, a line each, "-" when
// there is none and "2" when there is more than one. It also answers after the last byte of the headers only: no bodies.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static FILE *file;
static volatile sig_atomic_t ended;
static void end(int number) {
    (void)number;
    ended = 1;
}

static void note(char *request) {
    static const char name[] = "\r\ntraceparent:";
    char *first = strcasestr(request, name);
    if (!first) {
        fputs("-\n", file);
        return;
    }
    char *value = first + sizeof name - 1;
    if (strcasestr(value, name)) {
        fputs("2\n", file);
        return;
    }
    value += strspn(value, " ");
    fprintf(file, "%.*s\n", (int)strcspn(value, "\r"), value);
}

static void serve(int peer) {
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    static char buffer[16384];
    size_t used = 0;
    for (;;) {
        ssize_t got = read(peer, buffer + used, sizeof buffer - 1 - used);
        if (got <= 0) return;
        used += (size_t)got;
        buffer[used] = 0;
        for (char *end; (end = strstr(buffer, "\r\n\r\n"));) {
            *end = 0;
            note(buffer);
            size_t consumed = (size_t)(end + 4 - buffer);
            memmove(buffer, buffer + consumed, used - consumed + 1);
            used -= consumed;
            if (write(peer, answer, sizeof answer - 1) < 0) return;
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 2 || !(file = fopen(argv[1], "a"))) return 2;
    struct sigaction action = {.sa_handler = end};  // without SA_RESTART: accept returns
    sigaction(SIGTERM, &action, NULL);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    while (!ended) {
        int peer = accept(listener, NULL, NULL);
        if (peer < 0) continue;
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        serve(peer);
        fflush(file);
        close(peer);
    }
    fclose(file);
    return 0;
}
