// interrupted PORT COUNT: dials COUNT times, while a signal handler dials too, every millisecond, wherever it interrupts. Prints how
// many dials came to an end outside of the handler and in it.
#include "dial.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static int port;
static volatile sig_atomic_t inside;

static void handle(int number) {
    (void)number;
    int saved = errno;
    if (dial(port) == 0) inside++;
    errno = saved;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    port = atoi(argv[1]);
    long count = atol(argv[2]), outside = 0;
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    struct itimerval every = {{0, 1000}, {0, 1000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    for (long i = 0; i < count; i++) {
        errno = 4242;
        int error = dial(port);
        if (error == 0) outside++;
        else if (error != EINTR) return 3;
    }
    memset(&every, 0, sizeof every);
    setitimer(ITIMER_REAL, &every, NULL);
    printf("%ld %d\n", outside, (int)inside);
    return 0;
}
