// cancels deferred|asynchronous TIMES CLOSED PORT: cancels so many threads, each at another moment of some connects to the port CLOSED,
// where nobody listens; then dials PORT. Asynchronous cancellation strikes anywhere, in what they call too.
#include "dial.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 10 };
static struct sockaddr_in closed = {.sin_family = AF_INET};
static int type, descriptor, is_running;

static void *connects(void *unused) {
    pthread_setcanceltype(type, NULL);
    __atomic_store_n(&is_running, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < MOST; i++) connect(descriptor, (struct sockaddr *)&closed, sizeof closed);
    for (;;) pause();
    return unused;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    type = strcmp(argv[1], "deferred") ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED;
    closed.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    closed.sin_port = htons((unsigned short)atoi(argv[3]));
    descriptor = socket(AF_INET, SOCK_STREAM, 0);
    int cancelled = 0;
    unsigned seed = 1;
    for (int i = 0; i < atoi(argv[2]); i++) {
        pthread_t thread;
        void *result;
        is_running = 0;
        if (pthread_create(&thread, NULL, connects, NULL)) return 4;
        while (!__atomic_load_n(&is_running, __ATOMIC_ACQUIRE)) sched_yield();
        for (volatile int spins = rand_r(&seed) % 40000; spins > 0; spins--) {}
        pthread_cancel(thread);
        pthread_join(thread, &result);
        cancelled += result == PTHREAD_CANCELED;
    }
    int error = dial(atoi(argv[4]));
    printf("%d cancelled, then %d\n", cancelled, error);
    return 0;
}
