// A preloaded object that calls what the agent wraps in its constructor, which runs before the agent's when it is preloaded behind it.
// The port that it connects to is EARLY_PORT; what each call said goes to standard output.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *name, long result) {
    int error = result < 0 ? errno : 0;
    dprintf(1, "%s %ld %d\n", name, result, error);
}

/// Not constant, so that _FORTIFY_SOURCE makes the checked variants of it.
static volatile size_t one = 1;

__attribute__((constructor)) static void early(void) {
    const char *port = getenv("EARLY_PORT");
    if (!port) return;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = -1, pair[2];
    socklen_t length = sizeof error, room = sizeof address;
    char byte[2] = "x";
    struct iovec part = {byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    say("connect", connect(fd, (struct sockaddr *)&address, sizeof address));
    struct pollfd item = {fd, POLLOUT, 0};
    say("poll", poll(&item, 1, -1));
    say("getsockopt", getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
    say("error", error);
    say("getpeername", getpeername(fd, (struct sockaddr *)&address, &room));
    say("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    say("send", send(pair[0], byte, 1, 0));
    say("sendto", sendto(pair[0], byte, 1, 0, NULL, 0));
    say("sendmsg", sendmsg(pair[0], &message, 0));
    say("write", write(pair[0], byte, 1));
    say("writev", writev(pair[0], &part, 1));
    say("recv", recv(pair[1], byte, one, 0));
    say("recvfrom", recvfrom(pair[1], byte, one, 0, NULL, NULL));
    say("recvmsg", recvmsg(pair[1], &message, 0));
    say("read", read(pair[1], byte, one));
    say("dup2", dup2(pair[0], 50));
    say("dup3", dup3(pair[0], 51, O_CLOEXEC));
    say("close", close(fd));
    say("close again", close(fd));
    say("close_range", close_range(50, 50, 0));
    closefrom(51);
    say("closed", fcntl(51, F_GETFD));
    int status = -1;
    pid_t child = vfork();
    if (child == 0) _exit(7);
    waitpid(child, &status, 0);
    say("vfork", WEXITSTATUS(status));
}
