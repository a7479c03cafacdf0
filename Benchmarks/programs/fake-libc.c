// The calls behind the agent's socket hooks, without the kernel. Preloaded behind the agent.
#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>

int connect(int socket, const struct sockaddr *address, socklen_t length) {
    (void)address, (void)length;
    if (socket >= 0) return 0;
    errno = EBADF;
    return -1;
}

int socket(int domain, int type, int protocol) {
    (void)type, (void)protocol;
    if (domain >= 0) return 1000;
    errno = EAFNOSUPPORT;
    return -1;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **addresses) {
    (void)node, (void)service, (void)hints, (void)addresses;
    return EAI_NONAME;
}
