// big PORT MEGABYTES: fills that much memory, then dials once. A helper that copied page tables would take a second for 2 GiB.
#include "dial.h"
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    void *memory = mmap(NULL, (size_t)atol(argv[2]) << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) return 3;
    return dial(atoi(argv[1]));
}
