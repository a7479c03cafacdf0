// A preloaded object that connects once to TOUCH_PORT before main. Under the agent that is a span in every process, whatever the
// program itself does. The connection is reset, so that no port stays in TIME_WAIT.
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

__attribute__((constructor)) static void touch(void) {
    const char *port = getenv("TOUCH_PORT");
    if (!port) return;
    int error = errno;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct linger reset = {1, 0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    (void)!connect(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    errno = error;
}
