// next.so: a preload library as they are written everywhere. It passes getpagesize on to the next definition, and looks that up anew
// each time, in its constructor too. If it found itself, it would go on for ever: it gives up, loudly.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int depth, entered;

int getpagesize(void) {
    if (++depth > 5) write(2, "next.so found itself\n", 21), _exit(99);
    int (*next)(void) = (int (*)(void))dlsym(RTLD_NEXT, "getpagesize");
    int size = next ? next() : -1;
    depth--;
    entered++;
    return size;
}

// Before the agent's constructor, when this is behind it in LD_PRELOAD.
__attribute__((constructor)) static void early(void) {
    if (getpagesize() <= 0 || dlsym(RTLD_DEFAULT, "no_such_function") || dlsym(RTLD_NEXT, "curl_easy_perform")) _exit(98);
    (void)dlerror();
}
__attribute__((destructor)) static void late(void) { dprintf(1, "next.so was entered %d times\n", entered); }
