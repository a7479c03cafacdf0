// dies PORT SIGNAL [FILE]: connects and, if that set something going beside it, kills itself by SIGNAL: a program that bears no agent.
// What tells it is a mapping of the agent's region. With FILE it dies only while FILE is there.
#include "dial.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int has_region(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int found = 0;
    while (fgets(line, sizeof line, maps)) found |= strstr(line, "memfd:otelagent") != NULL;
    fclose(maps);
    return found;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    if (dial(atoi(argv[1]))) return 3;
    if ((argc == 3 || !access(argv[3], F_OK)) && has_region()) raise(atoi(argv[2]));
    puts("lives");
    return 0;
}
