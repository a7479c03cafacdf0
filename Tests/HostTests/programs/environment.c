// environment FILE [PROGRAM ARGUMENT…]: appends its environment to FILE, as it lies in memory, behind a line that says how many variables
// there are; then executes PROGRAM, with the environment that it has. WAY= in the environment says how: "fexecve", or "without preload", with an environment of its own that lacks
// LD_PRELOAD. Dials TOUCH_PORT before, if that is set.
#define _GNU_SOURCE
#include "dial.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    FILE *file = fopen(argv[1], "a");
    int count = 0;
    while (environ[count]) count++;
    fprintf(file, "%d variables\n", count);
    for (int i = 0; i < count; i++) fwrite(environ[i], strlen(environ[i]) + 1, 1, file);
    fputs("\n", file);
    fclose(file);
    if (getenv("TOUCH_PORT") && dial(atoi(getenv("TOUCH_PORT")))) return 3;
    if (argc == 2) return 0;
    const char *way = getenv("WAY");
    char *own[] = {"ONLY=this", NULL};
    if (way && !strcmp(way, "fexecve")) fexecve(open(argv[2], O_RDONLY | O_CLOEXEC), argv + 2, environ);
    else if (way && !strcmp(way, "without preload")) execve(argv[2], argv + 2, own);
    else execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
