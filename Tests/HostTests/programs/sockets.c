// sockets WHICH PORT: one call of connect of the kind WHICH, for the kinds that make no span and for those that do.
// Prints "result errno".
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    const char *which = argv[1];
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof(struct sockaddr_in);
    int type = SOCK_STREAM, family = AF_INET;
    unsigned short port = htons((unsigned short)atoi(argv[2]));
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
    struct sockaddr_un *local = (struct sockaddr_un *)&storage;
    *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (!strcmp(which, "ipv6")) {
        family = AF_INET6, length = sizeof *v6;
        *v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    } else if (!strcmp(which, "udp")) {
        type = SOCK_DGRAM;
    } else if (!strcmp(which, "unix")) {
        family = AF_UNIX, length = sizeof *local;
        local->sun_family = AF_UNIX;
        strcpy(local->sun_path, "/nonexistent/socket");
    } else if (!strcmp(which, "short")) {
        length = 3;
    } else if (!strcmp(which, "fault")) {
        int fd = socket(family, type, 0);
        printf("%d ", connect(fd, (struct sockaddr *)8, sizeof *v4));
        printf("%d\n", errno);
        return 0;
    } else if (!strcmp(which, "closed")) {
        printf("%d ", connect(-1, (struct sockaddr *)&storage, length));
        printf("%d\n", errno);
        return 0;
    } else if (strcmp(which, "ipv4")) {
        return 2;
    }
    int fd = socket(family, type, 0);
    errno = 0;
    int result = connect(fd, (struct sockaddr *)&storage, length);
    printf("%d %d\n", result, errno);
    return 0;
}
