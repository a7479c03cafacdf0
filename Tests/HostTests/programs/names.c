// names HOW NAME: looks NAME up, and prints what came of it, errno and h_errno.
//   info, info4, info6                getaddrinfo, of any, IPv4, IPv6 addresses
//   numeric                           with AI_NUMERICHOST
//   badflags, family, socktype, service, local     with what it refuses; local: AF_UNIX
//   nothing                           without a name
//   byname, byname4, byname6, byname_family        gethostbyname, gethostbyname2 of each family and of one that there is not
//   r, r4, r6, r_family, r_small      gethostbyname_r, gethostbyname2_r; small: with a buffer that is too small, then with another
//   again                             gethostbyname of what it has answered
//   fork, vfork, signal               getaddrinfo in a child, in a child of vfork and its parent, in a signal handler
//   many COUNT                        once, then so many times in each of four threads
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *name;

static void print_addresses(const struct addrinfo *list) {
    for (; list; list = list->ai_next) {
        char text[NI_MAXHOST];
        getnameinfo(list->ai_addr, list->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
        printf(" %s", text);
    }
    printf("\n");
}

static void info(int family, int type, int flags, const char *service) {
    struct addrinfo hints = {.ai_family = family, .ai_socktype = type, .ai_flags = flags}, *list = NULL;
    errno = 0, h_errno = 77;
    int result = getaddrinfo(name, service, &hints, &list);
    printf("getaddrinfo %d, errno %d, h_errno %d:", result, errno, h_errno);
    print_addresses(result ? NULL : list);
    if (!result) freeaddrinfo(list);
}

static void print_host(const char *function, int result, int error, const struct hostent *host) {
    printf("%s %d, errno %d, h_errno %d:", function, result, errno, error);
    for (char **next = host ? host->h_addr_list : NULL; next && *next; next++) {
        char text[INET6_ADDRSTRLEN];
        printf(" %s", inet_ntop(host->h_addrtype, *next, text, sizeof text));
    }
    printf("\n");
}

static void by_name(int family) {
    errno = 0, h_errno = 77;
    struct hostent *host = family ? gethostbyname2(name, family) : gethostbyname(name);
    print_host(family ? "gethostbyname2" : "gethostbyname", host ? 0 : -1, h_errno, host);
}

static void by_name_r(int family, size_t size) {
    char buffer[16384];
    struct hostent host, *found = NULL;
    int error = 77;
    errno = 0;
    int result = family ? gethostbyname2_r(name, family, &host, buffer, size, &found, &error)
                        : gethostbyname_r(name, &host, buffer, size, &found, &error);
    print_host(family ? "gethostbyname2_r" : "gethostbyname_r", result, error, found);
}

static void in_handler(int number) {
    (void)number;
    info(AF_INET, SOCK_STREAM, 0, NULL);
}

static int times;
static void *works(void *unused) {
    for (int i = 0; i < times; i++) {
        struct addrinfo *list;
        if (getaddrinfo(name, NULL, NULL, &list)) exit(4);
        freeaddrinfo(list);
    }
    return unused;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    setvbuf(stdout, NULL, _IONBF, 0);
    const char *how = argv[1];
    name = argv[2];
#define HOW(word) (!strcmp(how, word))
    if (HOW("info")) info(AF_UNSPEC, 0, 0, NULL);
    else if (HOW("info4")) info(AF_INET, SOCK_STREAM, 0, "80");
    else if (HOW("info6")) info(AF_INET6, SOCK_STREAM, 0, NULL);
    else if (HOW("numeric")) info(AF_UNSPEC, 0, AI_NUMERICHOST, NULL);
    else if (HOW("badflags")) info(AF_UNSPEC, 0, 0x40000000, NULL);
    else if (HOW("family")) info(AF_PACKET, 0, 0, NULL);
    else if (HOW("local")) info(AF_UNIX, 0, 0, NULL);
    else if (HOW("socktype")) info(AF_UNSPEC, 99, 0, NULL);
    else if (HOW("service")) info(AF_UNSPEC, SOCK_STREAM, 0, "no-such-service");
    else if (HOW("nothing")) name = NULL, info(AF_UNSPEC, SOCK_STREAM, 0, "80");
    else if (HOW("byname")) by_name(0);
    else if (HOW("byname4")) by_name(AF_INET);
    else if (HOW("byname6")) by_name(AF_INET6);
    else if (HOW("byname_family")) by_name(AF_PACKET);
    else if (HOW("r")) by_name_r(0, 16384);
    else if (HOW("r4")) by_name_r(AF_INET, 16384);
    else if (HOW("r6")) by_name_r(AF_INET6, 16384);
    else if (HOW("r_family")) by_name_r(AF_PACKET, 16384);
    else if (HOW("r_small")) by_name_r(0, 8), by_name_r(0, 16384);
    else if (HOW("again")) {
        struct hostent *host = gethostbyname(name);
        if (!host) return 3;
        name = host->h_name;
        by_name(0);
    } else if (HOW("fork")) {
        info(AF_INET, SOCK_STREAM, 0, NULL);
        if (fork() == 0) {
            info(AF_INET, SOCK_STREAM, 0, NULL);
            _exit(0);
        }
        wait(NULL);
    } else if (HOW("vfork")) {
        if (vfork() == 0) {
            struct addrinfo *list;
            _exit(getaddrinfo(name, NULL, NULL, &list));
        }
        int status = 0;
        wait(&status);
        printf("child %d\n", status);
        info(AF_INET, SOCK_STREAM, 0, NULL);
    } else if (HOW("signal")) {
        signal(SIGUSR1, in_handler);
        raise(SIGUSR1);
    } else if (HOW("many") && argc == 4) {
        pthread_t threads[4];
        // One first: what begins while the first record is made is not recorded.
        times = 1;
        works(NULL);
        times = atoi(argv[3]);
        for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, works, NULL);
        for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
        printf("%d\n", 1 + 4 * times);
    } else return 2;
    return 0;
}
