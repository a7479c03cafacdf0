// loader PLUGIN ARGUMENTS...: runs the main of a shared object, as a program that loads extensions does.
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
    void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    int (*start)(int, char **) = plugin ? (int (*)(int, char **))dlsym(plugin, "main") : NULL;
    if (!start) return fprintf(stderr, "loader: %s\n", dlerror()), 2;
    return start(argc - 1, argv + 1);
}
