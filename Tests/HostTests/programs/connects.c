// connects HOW PORT [COUNT]: one TCP connect to the loopback PORT that is not waited for, and one way HOW of learning what became of it.
//
// Prints what each call said, "name result errno", and on standard error how long it was from
// the connect until it knew, in nanoseconds.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// glibc's other names for them.
extern int __connect(int, const struct sockaddr *, socklen_t);
extern ssize_t __send(int, const void *, size_t, int);
extern ssize_t __read(int, void *, size_t);
extern ssize_t __write(int, const void *, size_t);
extern int __close(int);
extern int __dup2(int, int);

static struct sockaddr_in address;
static int fd;

static long say(const char *name, long result) {
    int error = result < 0 ? errno : 0;
    printf("%s %ld %d\n", name, result < 0 ? -1 : result, error);
    return result;
}

static int is(const char *a, const char *b) { return !strcmp(a, b); }

static int open_socket(int flags) { return socket(AF_INET, SOCK_STREAM | flags, 0); }
static int begin(void) { return connect(fd, (struct sockaddr *)&address, sizeof address); }

static void wait_for(short events) {
    struct pollfd item = {fd, events, 0};
    if (poll(&item, 1, -1) != 1) exit(9);
}
static void wait_poll(void) { wait_for(POLLOUT); }
static void wait_select(void) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    if (select(fd + 1, NULL, &set, NULL, NULL) != 1) exit(9);
}
static void wait_epoll(void) {
    int events = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLOUT};
    if (epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) || epoll_wait(events, &event, 1, -1) != 1) exit(9);
    close(events);
}

static void ask(void) {
    int error = -7;
    socklen_t length = sizeof error;
    say("getsockopt", getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
    printf("SO_ERROR %d %u\n", error, length);
}

static void *ask_in_thread(void *unused) {
    (void)unused;
    wait_poll();
    ask();
    return NULL;
}

static volatile int alarms;
static void on_alarm(int signal) { alarms += signal == SIGALRM; }

static void send_message(void) {
    struct iovec part = {"x", 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    say("sendmsg", sendmsg(fd, &message, MSG_NOSIGNAL));
}
static void receive_message(void) {
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    say("recvmsg", recvmsg(fd, &message, 0));
}

/// Not constant, so that _FORTIFY_SOURCE makes the checked variants of it.
static volatile size_t one = 1;

static void first_transfer(const char *how) {
    char buffer[4];
    struct iovec part = {"x", 1};
    if (is(how, "send")) say(how, send(fd, "x", 1, MSG_NOSIGNAL));
    else if (is(how, "__send")) say(how, __send(fd, "x", 1, MSG_NOSIGNAL));
    else if (is(how, "sendto")) say(how, sendto(fd, "x", 1, MSG_NOSIGNAL, NULL, 0));
    else if (is(how, "sendmsg")) send_message();
    else if (is(how, "write")) say(how, write(fd, "x", 1));
    else if (is(how, "__write")) say(how, __write(fd, "x", 1));
    else if (is(how, "writev")) say(how, writev(fd, &part, 1));
    else if (is(how, "recv")) say(how, recv(fd, buffer, one, 0));
    else if (is(how, "recvfrom")) say(how, recvfrom(fd, buffer, one, 0, NULL, NULL));
    else if (is(how, "recvmsg")) receive_message();
    else if (is(how, "read")) say(how, read(fd, buffer, one));
    else if (is(how, "__read")) say(how, __read(fd, buffer, one));
    else if (is(how, "getpeername")) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        say(how, getpeername(fd, (struct sockaddr *)&peer, &length));
    } else exit(2);
}

/// What closes, while the outcome is not known.
static void give_up(const char *how) {
    int other = open("/dev/null", O_RDONLY);
    if (is(how, "close")) say(how, close(fd));
    else if (is(how, "__close")) say(how, __close(fd));
    else if (is(how, "dup2")) say(how, dup2(other, fd) == fd);
    else if (is(how, "__dup2")) say(how, __dup2(other, fd) == fd);
    else if (is(how, "dup3")) say(how, dup3(other, fd, O_CLOEXEC) == fd);
    else if (is(how, "close_range")) say(how, close_range((unsigned)fd, (unsigned)fd, 0));
    else if (is(how, "closefrom")) closefrom(fd);
    else if (is(how, "unspecified")) {
        struct sockaddr none = {.sa_family = AF_UNSPEC};
        say(how, connect(fd, &none, sizeof none));
    } else if (is(how, "exit")) return;
    else exit(2);
    errno = 0;
    say("fcntl", fcntl(fd, F_GETFD) >= 0 ? 0 : -1);
}

static void *volatile bad = (void *)8;

/// What must not end the span: `fd` stays open here.
static void disturb(const char *how) {
    char *const arguments[] = {"true", NULL};
    int status = 0;
    if (is(how, "fork")) {
        pid_t child = fork();
        if (child == 0) {
            close(fd);
            closefrom(3);
            exit(0);
        }
        waitpid(child, &status, 0);
    } else if (is(how, "vfork")) {
        pid_t child = vfork();
        if (child == 0) {
            // POSIX allows none of these, and everybody makes them.
            close(fd);
            dup2(0, fd);
            close_range(3, ~0u, 0);
            execv("/bin/true", arguments);
            _exit(1);
        }
        waitpid(child, &status, 0);
        say("status", status);
    } else if (is(how, "faults")) {
        int error;
        socklen_t length = sizeof error, none = 0;
        say("null value", getsockopt(fd, SOL_SOCKET, SO_ERROR, NULL, &length));
        say("null length", getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, NULL));
        say("bad value", getsockopt(fd, SOL_SOCKET, SO_ERROR, bad, &length));
        say("no room", getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &none));
    } else if (is(how, "arguments")) {
        int error, other = open("/dev/null", O_RDONLY);
        socklen_t length = sizeof error;
        say("other option", getsockopt(fd, SOL_SOCKET, SO_TYPE, &error, &length));
        say("bad connect", connect(fd, bad, sizeof address));
        say("short connect", connect(fd, (struct sockaddr *)&address, 1));
        say("bad dup2", dup2(-1, fd));
        say("same dup2", dup2(fd, fd) == fd);
        say("bad dup3", dup3(other, fd, 0x7f));
        say("same dup3", dup3(fd, fd, 0));
        say("bad close_range", close_range(9, 3, 0));
        say("mark close_range", close_range((unsigned)fd, (unsigned)fd, 4));
        say("close -1", close(-1));
        say("close 70000", close(70000));
        say("read -1", read(-1, &error, 1));
        say("write -1", write(-1, "x", 1));
        say("send -1", send(-1, "x", 1, 0));
        say("recv file", recv(other, &error, 1, 0));
        say("sendto null", sendto(-1, NULL, 1, 0, NULL, 0));
        say("recvmsg null", recvmsg(-1, NULL, 0));
        say("writev bad", writev(-1, bad, 1));
        say("getpeername -1", getpeername(-1, NULL, NULL));
    } else exit(2);
}

static unsigned long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (unsigned long)time.tv_sec * 1000000000u + (unsigned long)time.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *how = argv[1], *step = strchr(how, '-') ? strchr(how, '-') + 1 : how;
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int is_blocking = is(how, "interrupted") || is(how, "timeout");
    fd = open_socket(is_blocking ? 0 : SOCK_NONBLOCK);
    if (is(how, "interrupted")) {
        struct sigaction action = {.sa_handler = on_alarm};
        sigaction(SIGALRM, &action, NULL);
        ualarm(20000, 20000);
    } else if (is(how, "timeout")) {
        struct timeval time = {0, 20000};
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    }
    unsigned long start = now();
    errno = 0;
    say("connect", is(how, "__connect") ? __connect(fd, (struct sockaddr *)&address, sizeof address) : begin());
    ualarm(0, 0);
    if (is_blocking) wait_poll(), ask();
    else if (is(how, "__connect") || is(how, "poll")) wait_poll(), ask();
    else if (is(how, "select")) wait_select(), ask();
    else if (is(how, "epoll")) wait_epoll(), ask();
    else if (is(how, "again")) wait_poll(), say("again", begin());
    else if (is(how, "soon")) {
        say("soon", begin());
        const char *const all[] = {"getpeername", "send", "__send", "sendto", "sendmsg", "write", "__write", "writev", "recv", "recvfrom", "recvmsg", "read", "__read"};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) first_transfer(all[i]);
    }
    else if (is(how, "thread")) {
        pthread_t thread;
        pthread_create(&thread, NULL, ask_in_thread, NULL);
        pthread_join(thread, NULL);
    } else if (!strncmp(how, "first-", 6)) wait_for(strstr(step, "re") && !strstr(step, "peer") ? POLLIN : POLLOUT), first_transfer(step);
    else if (!strncmp(how, "up-", 3)) give_up(step);
    else if (!strncmp(how, "still-", 6)) disturb(step), wait_poll(), ask();
    else if (is(how, "unseen")) {
        // Closed behind everybody's back; the number is then another socket's.
        syscall(SYS_close, fd);
        say("same", open_socket(0) == fd);
        say("connect", begin());
    } else if (is(how, "killed")) {
        puts("waiting");
        pause();
    } else if (is(how, "many")) {
        // More than the table has places for.
        int count = argc > 3 ? atoi(argv[3]) : 0;
        for (int i = 1; i < count; i++) {
            fd = open_socket(SOCK_NONBLOCK);
            if (begin() && errno != EINPROGRESS) exit(3);
        }
        close_range(3, ~0u, 0);
    } else return 2;
    fprintf(stderr, "%lu\n", now() - start);
    if (strncmp(how, "up-", 3)) close(fd);
    return 0;
}
