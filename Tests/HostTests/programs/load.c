// load KIND THREADS COUNT [PORT]: as fast as it can, and prints how often it did it and the largest memory it had.
//   connect      connects to PORT, where nobody listens, COUNT times in each thread
//   handles      COUNT easy handles, a hundred at a time
//   descriptors  COUNT sockets, opened and closed
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long count, wrong;
static int port;

static void *connects(void *unused) {
    (void)unused;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (long i = 0; i < count; i++)
        // Refused, a socket may try again.
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno != ECONNREFUSED) __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
    close(fd);
    return NULL;
}

static void *handles(void *unused) {
    (void)unused;
    CURL *open[100];
    for (long done = 0; done < count; done += 100) {
        for (int i = 0; i < 100; i++) {
            open[i] = curl_easy_init();
            if (!open[i] || curl_easy_setopt(open[i], CURLOPT_URL, "http://127.0.0.1/") != CURLE_OK) wrong++;
        }
        for (int i = 0; i < 100; i++) curl_easy_cleanup(open[i]);
    }
    return NULL;
}

static void *descriptors(void *unused) {
    (void)unused;
    for (long i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || close(fd)) wrong++;
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    int threads = atoi(argv[2]);
    count = atol(argv[3]);
    port = argc > 4 ? atoi(argv[4]) : 0;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    void *(*work)(void *) = argv[1][0] == 'c' ? connects : argv[1][0] == 'h' ? handles : descriptors;
    pthread_t started[64];
    for (int i = 0; i < threads && i < 64; i++) pthread_create(&started[i], NULL, work, NULL);
    for (int i = 0; i < threads && i < 64; i++) pthread_join(started[i], NULL);
    // Not getrusage(2), which counts what the parent had when it forked.
    long largest = -1;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %ld", &largest);
    printf("%ld wrong\n%ld KiB\n", wrong, largest);
    return 0;
}
