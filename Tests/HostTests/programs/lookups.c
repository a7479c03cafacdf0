// lookups [LIBRARY]: what dlsym says to a program, in all the ways that a hook could change: which object an address is in, messages of
// dlerror, errno. LIBRARY is a libcurl to ask, too. With the preload next.c it is asked how often that was entered.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *home_of(void *address) {
    Dl_info info = {0};
    if (!address || !dladdr(address, &info) || !info.dli_fname) return "nowhere";
    // libc's own name differs between a versioned and an unversioned path.
    return strrchr(info.dli_fname, '/') ? strrchr(info.dli_fname, '/') + 1 : info.dli_fname;
}

static void ask(const char *what, void *handle, const char *name) {
    errno = 4242;
    void *found = dlsym(handle, name);
    int after = errno;
    const char *error = dlerror();
    // Before the next look-up, which frees the message.
    printf("%s %s: %s, errno %d, %s\n", what, name, home_of(found), found ? after : 0, error ? error : "no error");
    if (found != dlsym(handle, name)) puts("another address the second time");
    if (dlerror() && found) puts("a message after success");
}

int main(int argc, char **argv) {
    void *program = dlopen(NULL, RTLD_LAZY), *libc = dlopen("libc.so.6", RTLD_LAZY);
    setvbuf(stdout, NULL, _IOLBF, 0);
    static const char *const names[] = {"getpagesize", "curl_easy_perform", "curl_easy_nonsense", "curl_version", "c", "", "dlsym", "no_such_function"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        // What RTLD_NEXT and RTLD_DEFAULT find of getpagesize is another preload's business; of the others it is everybody's.
        ask("default", RTLD_DEFAULT, names[i]);
        ask("next", RTLD_NEXT, names[i]);
        ask("program", program, names[i]);
        ask("libc", libc, names[i]);
    }
    // A message that nobody has fetched yet is still there after a look-up in between that failed or that was ours.
    dlsym(libc, "first_missing");
    if (argc > 1) {
        void *curl = dlopen(argv[1], RTLD_LAZY | RTLD_LOCAL);
        const char *pending = dlerror();
        printf("pending: %s\n", pending ? pending : "none");
        char *(*version)(void) = (char *(*)(void))dlsym(curl, "curl_version");
        printf("%d %s\n", version != NULL, dlerror() ? "error" : "no error");
        for (int i = 0; i < 1000; i++) {
            errno = 4242;
            if (!dlsym(curl, i % 2 ? "curl_easy_perform" : "curl_easy_init") || errno != 4242 || dlerror()) return printf("changed at %d\n", i), 1;
            char name[40];
            snprintf(name, sizeof name, "curl_easy_%d", i);
            if (dlsym(curl, name) || !strstr(dlerror(), name)) return printf("found %s\n", name), 1;
        }
        printf("perform is one function: %d\n", dlsym(curl, "curl_easy_perform") == dlsym(curl, "curl_easy_perform"));
        dlclose(curl);
    }
    printf("page size %d\n", getpagesize());
    return 0;
}
