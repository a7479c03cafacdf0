// terminates PORT: dials three times, and throws what nobody catches: std::terminate.
#include "dial.h"
#include <cstdlib>

int main(int, char **argv) {
    for (int i = 0; i < 3; i++)
        if (dial(std::atoi(argv[1]))) return 3;
    throw 1;
}
