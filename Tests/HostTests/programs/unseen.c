// unseen PORT: one connection that no hook takes part in. BY_SYSCALL: by syscall(2). BY_INSTRUCTION: without libc. BY_URING: by io_uring.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sockaddr_in address = {.sin_family = AF_INET};

#if defined(BY_URING)
#include <liburing.h>
static int reach(int fd) {
    struct io_uring ring;
    int error = io_uring_queue_init(4, &ring, 0);
    if (error) return error;
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring);
    io_uring_prep_connect(entry, fd, (struct sockaddr *)&address, sizeof address);
    io_uring_submit(&ring);
    struct io_uring_cqe *done;
    error = io_uring_wait_cqe(&ring, &done);
    if (!error) error = done->res;
    io_uring_queue_exit(&ring);
    return error;
}
#elif defined(BY_INSTRUCTION)
static int reach(int fd) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_connect), "D"((long)fd), "S"(&address), "d"(sizeof address) : "rcx", "r11", "memory");
    return (int)result;
}
#elif defined(BY_SYSCALL)
static int reach(int fd) { return syscall(SYS_connect, fd, &address, sizeof address) ? -errno : 0; }
#else
static int reach(int fd) { return connect(fd, (struct sockaddr *)&address, sizeof address) ? -errno : 0; }
#endif

int main(int argc, char **argv) {
    address.sin_port = htons((unsigned short)(argc > 1 ? atoi(argv[1]) : 1));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int error = reach(fd);
    printf("connected: %s\n", error ? strerror(-error) : "yes");
    fprintf(stderr, "descriptor %d\n", fd);
    return error ? 1 : 0;
}
