// grower PORT MEBIBYTES: dials, then takes that much memory, a bit at a time, and dials again. 3: there was no memory.
#include "dial.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    int port = atoi(argv[1]);
    long pieces = argc > 2 ? atol(argv[2]) << 4 : 0;
    printf("dial %d\n", dial(port));
    for (long i = 0; i < pieces; i++) {
        char *piece = malloc(65536);
        if (!piece) return 3;
        memset(piece, 1, 65536);
    }
    printf("dial %d\n", dial(port));
    return 0;
}
