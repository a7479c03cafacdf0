// cancelled_names TIMES SILENT NAME: cancels so many threads while they look SILENT up, which nobody answers; then looks NAME up.
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *looks_up(void *name) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list;
    getaddrinfo(name, NULL, &hints, &list);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int cancelled = 0;
    for (int i = 0; i < atoi(argv[1]); i++) {
        pthread_t thread;
        void *result;
        if (pthread_create(&thread, NULL, looks_up, argv[2])) return 4;
        usleep(20000);
        pthread_cancel(thread);
        pthread_join(thread, &result);
        cancelled += result == PTHREAD_CANCELED;
    }
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list;
    printf("%d cancelled, then %d\n", cancelled, getaddrinfo(argv[3], NULL, &hints, &list));
    return 0;
}
