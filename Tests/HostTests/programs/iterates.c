// iterates.so: a preload library that stands in for dl_iterate_phdr, as caches for unwinders do, and asks dlsym for the next one each time.
// Whoever is asked for that, and asks dl_iterate_phdr in turn, would come back here for ever: it gives up, loudly. It also forbids what a
// lock that is not recursive would make a deadlock: to be entered while it is in its own list.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <unistd.h>

static __thread int depth;
static int own_calls;

static void *next(const char *name) {
    if (++depth > 1) write(2, "iterates.so was entered from its own look-up\n", 45), _exit(97);
    void *found = dlsym(RTLD_NEXT, name);
    // A name that the agent's dlsym looks at more closely, too.
    (void)dlsym(RTLD_DEFAULT, "curl_easy_perform");
    depth--;
    return found;
}

int dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *data) {
    int (*real)(int (*)(struct dl_phdr_info *, size_t, void *), void *) = next("dl_iterate_phdr");
    own_calls++;
    return real ? real(visit, data) : -1;
}

static int count(struct dl_phdr_info *info, size_t size, void *data) {
    (void)info, (void)size;
    return ++*(int *)data, 0;
}

// Before the agent's constructor, when this is behind it in LD_PRELOAD.
__attribute__((constructor)) static void early(void) {
    int objects = 0;
    dl_iterate_phdr(count, &objects);
    if (objects < 3) _exit(96);
    (void)dlerror();
}
__attribute__((destructor)) static void late(void) {
    // How often others came: the agent never does.
    if (own_calls != 1) dprintf(2, "iterates.so was entered %d times\n", own_calls);
}
