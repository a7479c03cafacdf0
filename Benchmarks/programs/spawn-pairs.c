// Starts two commands alternately and waits for each: medians of both, and of the difference within a pair, in microseconds.
//
//   spawn-pairs COUNT [NAME=VALUE]... program [argument]... --versus [NAME=VALUE]... program [argument]...
//
// A NAME=VALUE before the program is put into that command's environment, on top of PATH.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { WARM_UP = 5, COUNT_MAX = 20000, VARIABLES_MAX = 64 };

struct command {
    char *environment[VARIABLES_MAX + 2];
    char **arguments;
    double microseconds[COUNT_MAX];
};
static struct command commands[2];
static double differences[COUNT_MAX];

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

static void parse(struct command *command, char **words) {
    int variables = 0;
    command->environment[variables++] = "PATH=/usr/bin:/bin";
    for (; *words && strchr(*words, '=') && variables < VARIABLES_MAX; words++) command->environment[variables++] = *words;
    command->arguments = words;
}

static double start_and_wait(struct command *command, posix_spawn_file_actions_t *actions) {
    pid_t process;
    int status;
    double start = now();
    int error = posix_spawnp(&process, command->arguments[0], actions, NULL, command->arguments, command->environment);
    if (error || waitpid(process, &status, 0) < 0 || status != 0) {
        fprintf(stderr, "spawn-pairs: %s: %s\n", command->arguments[0], error ? strerror(error) : "did not exit with status 0");
        exit(3);
    }
    return now() - start;
}

int main(int argc, char **argv) {
    int count = argc > 2 ? atoi(argv[1]) : 0, divide = 2;
    while (divide < argc && strcmp(argv[divide], "--versus")) divide++;
    if (count < 1 || count > COUNT_MAX || divide + 1 >= argc) return 2;
    argv[divide] = NULL;
    parse(&commands[0], argv + 2);
    parse(&commands[1], argv + divide + 1);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    for (int i = -WARM_UP; i < count; i++) {
        // The one that goes second finds warmer caches: take turns.
        int second = (i & 1) == 0;
        double time[2];
        time[1 - second] = start_and_wait(&commands[1 - second], &actions);
        time[second] = start_and_wait(&commands[second], &actions);
        if (i < 0) continue;
        for (int k = 0; k < 2; k++) commands[k].microseconds[i] = time[k];
        differences[i] = time[1] - time[0];
    }
    double a = median(commands[0].microseconds, count), b = median(commands[1].microseconds, count);
    printf("%.1f %.1f %.1f\n", a, b, median(differences, count));
    return 0;
}
