// With -DPLUGIN: a plug-in that uses the libcurl it is linked with. Without: stamped_user KIND:PATH..., which loads each PATH and uses
// them in turns; KIND is local, global or deep (a plug-in, loaded so) or handle (a libcurl, asked by dlsym), and - is its own libcurl.
// It says when a call leaves a message for dlerror or another errno.
// stamped_user reload ...: each is loaded, used and unloaded, and all that 20 times, beside a handle of the first that stays.
// stamped_user swap A B ...: A and B are of one libcurl; what the one has made the other uses, copies and frees.
// stamped_user again A B C D: A and B are of one libcurl, C and D of another. A handle of A, freed by B; one of D at the same address,
// used by C.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct calls {
    void *(*init)(void), *(*duphandle)(void *);
    int (*setopt)(void *, int, ...), (*getinfo)(void *, int, ...), (*perform)(void *);
    void (*reset)(void *), (*cleanup)(void *);
};
void *curl_easy_init(void), *curl_easy_duphandle(void *);
int curl_easy_setopt(void *, int, ...), curl_easy_getinfo(void *, int, ...), curl_easy_perform(void *);
void curl_easy_reset(void *), curl_easy_cleanup(void *);

#ifdef PLUGIN
// Called, and not taken the address of: so each is bound when it is called first.
static void *init(void) { return curl_easy_init(); }
static void *duphandle(void *handle) { return curl_easy_duphandle(handle); }
static int perform(void *handle) { return curl_easy_perform(handle); }
static int setopt(void *handle, int option, ...) { return curl_easy_setopt(handle, option, "http://127.0.0.1:1/"); }
static int getinfo(void *handle, int info, ...) {
    long value;
    return curl_easy_getinfo(handle, info, &value);
}
static void reset(void *handle) { curl_easy_reset(handle); }
static void cleanup(void *handle) { curl_easy_cleanup(handle); }
const struct calls calls = {init, duphandle, setopt, getinfo, perform, reset, cleanup};
#else
static void *loaded;

static struct calls *load(const char *argument) {
    static struct calls own;
    struct calls *calls = malloc(sizeof *calls);
    const char *path = strchr(argument, ':');
    if (!path) {
#ifdef LINKED
        own = (struct calls){curl_easy_init, curl_easy_duphandle, curl_easy_setopt, curl_easy_getinfo, curl_easy_perform, curl_easy_reset, curl_easy_cleanup};
#endif
        return &own;
    }
    int scope = !strncmp(argument, "global", 6) ? RTLD_GLOBAL : !strncmp(argument, "deep", 4) ? RTLD_DEEPBIND : RTLD_LOCAL;
    void *handle = dlopen(path + 1, RTLD_LAZY | scope);
    loaded = handle;
    if (!handle) fprintf(stderr, "%s\n", dlerror()), exit(3);
    if (strncmp(argument, "handle", 6)) return (struct calls *)dlsym(handle, "calls");
    static const char *const names[] = {"curl_easy_init", "curl_easy_duphandle", "curl_easy_setopt", "curl_easy_getinfo", "curl_easy_perform", "curl_easy_reset", "curl_easy_cleanup"};
    for (int i = 0; i < 7; i++) ((void **)calls)[i] = dlsym(handle, names[i]);
    return calls;
}

static void untouched(const char *call) {
    if (errno != 4242) printf("%s: errno %d\n", call, errno);
    const char *message = dlerror();
    if (message) printf("%s: %s\n", call, message);
    errno = 4242;
}

static const char *const url = "http://127.0.0.1:1/";

static int reload(char **arguments) {
    struct calls *first = load(arguments[0]);
    void *stays = first->init();
    first->setopt(stays, 10002, url);
    for (int round = 0; round < 20; round++)
        for (char **argument = arguments + 1; *argument; argument++) {
            struct calls *calls = load(*argument);
            void *handle = calls->init();
            calls->setopt(handle, 10002, url);
            first->perform(stays);
            calls->perform(handle);
            calls->cleanup(handle);
            dlclose(loaded);
        }
    first->cleanup(stays);
    return 0;
}

/// A handle of `a` in the hands of `b`.
static void swap(struct calls *a, struct calls *b) {
    long value;
    void *handle = a->init();
    b->setopt(handle, 10002, url), b->perform(handle), b->getinfo(handle, 0, &value);
    void *copy = b->duphandle(handle), *copy_of_copy = a->duphandle(copy);
    a->perform(copy), b->perform(copy_of_copy);
    b->reset(handle), b->cleanup(handle);
    a->setopt(copy, 10002, url), a->perform(copy), b->cleanup(copy);
    b->reset(copy_of_copy), a->cleanup(copy_of_copy);
}

static int again(struct calls *a, struct calls *b, struct calls *c, struct calls *d) {
    void *was = a->init();
    a->setopt(was, 10002, url), a->perform(was), b->cleanup(was);
    void *is = d->init();
    printf("the same address: %d\n", is == was);
    c->setopt(is, 10002, url), c->perform(is), c->cleanup(c->duphandle(is)), c->reset(is), c->cleanup(is);
    return 0;
}

int main(int argc, char **argv) {
    enum { MOST = 32 };
    if (argc < 2 || argc > MOST) return 2;
    setvbuf(stdout, NULL, _IONBF, 0);
    if (!strcmp(argv[1], "reload")) return reload(argv + 2);
    if (!strcmp(argv[1], "swap")) {
        for (int i = 2; i + 1 < argc; i += 2) {
            struct calls *a = load(argv[i]), *b = load(argv[i + 1]);
            swap(a, b), swap(b, a);
        }
        return 0;
    }
    if (!strcmp(argv[1], "again")) return again(load(argv[2]), load(argv[3]), load(argv[4]), load(argv[5]));
    struct calls *calls[MOST];
    void *handles[MOST], *copies[MOST];
    for (int i = 1; i < argc; i++) calls[i] = load(argv[i]);
    (void)dlerror();
    errno = 4242;
    for (int i = 1; i < argc; i++) handles[i] = calls[i]->init(), untouched("init");
    for (int i = 1; i < argc; i++) calls[i]->setopt(handles[i], 10002, url), untouched("setopt");
    for (int i = 1; i < argc; i++) copies[i] = calls[i]->duphandle(handles[i]), untouched("duphandle");
    for (int i = argc - 1; i > 0; i--) calls[i]->perform(copies[i]), untouched("perform");
    for (int i = argc - 1; i > 0; i--) calls[i]->perform(handles[i]), untouched("perform");
    long value;
    for (int i = 1; i < argc; i++) calls[i]->getinfo(handles[i], 0, &value), calls[i]->reset(handles[i]), untouched("reset");
    for (int i = 1; i < argc; i++) calls[i]->cleanup(handles[i]), calls[i]->cleanup(copies[i]), untouched("cleanup");
    return 0;
}
#endif
