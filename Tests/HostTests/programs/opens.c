// opens FILE: dlopen of FILE with RTLD_DEEPBIND, by both of dlopen's versions; "" stands for the program itself. Prints what `answer` and `who` of what was loaded
// say, or dlerror.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

__asm__(".symver old_dlopen, dlopen@GLIBC_2.2.5");
extern void *old_dlopen(const char *file, int flags);

__attribute__((visibility("default"))) const char *which(void) { return "program"; }

static void try(void *(*open)(const char *, int), const char *file) {
    void *object = open(*file ? file : NULL, RTLD_NOW | RTLD_DEEPBIND);
    if (!object) {
        printf("%s\n", dlerror());
        return;
    }
    int (*answer)(void) = (int (*)(void))dlsym(object, "answer");
    const char *(*who)(void) = (const char *(*)(void))dlsym(object, "who");
    printf("%d %s\n", answer ? answer() : 0, who ? who() : "nobody");
    dlclose(object);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    try(dlopen, argv[1]);
    try(old_dlopen, argv[1]);
    return 0;
}
