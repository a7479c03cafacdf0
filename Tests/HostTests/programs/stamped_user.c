// With -DPLUGIN: a plug-in that uses the libcurl it is linked with. Without: stamped_user KIND:PATH..., which loads each PATH and uses
// them in turns; KIND is local or global (a plug-in, loaded so) or handle (a libcurl, asked by dlsym), and - is its own libcurl.
// stamped_user reload ...: each is loaded, used and unloaded, and all that 20 times.
#define _GNU_SOURCE
#include <dlfcn.h>
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
static int setopt(void *handle, int option, ...) { return curl_easy_setopt(handle, option, "x"); }
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
    void *handle = dlopen(path + 1, RTLD_LAZY | (strncmp(argument, "global", 6) ? RTLD_LOCAL : RTLD_GLOBAL));
    loaded = handle;
    if (!handle) fprintf(stderr, "%s\n", dlerror()), exit(3);
    if (strncmp(argument, "handle", 6)) return (struct calls *)dlsym(handle, "calls");
    static const char *const names[] = {"curl_easy_init", "curl_easy_duphandle", "curl_easy_setopt", "curl_easy_getinfo", "curl_easy_perform", "curl_easy_reset", "curl_easy_cleanup"};
    for (int i = 0; i < 7; i++) ((void **)calls)[i] = dlsym(handle, names[i]);
    return calls;
}

static int reload(char **arguments) {
    for (int round = 0; round < 20; round++)
        for (char **argument = arguments; *argument; argument++) {
            struct calls *calls = load(*argument);
            void *handle = calls->init();
            calls->setopt(handle, 10002, "http://127.0.0.1:1/");
            calls->perform(handle);
            calls->cleanup(handle);
            dlclose(loaded);
        }
    return 0;
}

int main(int argc, char **argv) {
    enum { MOST = 32 };
    if (argc < 2 || argc > MOST) return 2;
    setvbuf(stdout, NULL, _IONBF, 0);
    if (!strcmp(argv[1], "reload")) return reload(argv + 2);
    struct calls *calls[MOST];
    void *handles[MOST], *copies[MOST];
    for (int i = 1; i < argc; i++) calls[i] = load(argv[i]);
    for (int i = 1; i < argc; i++) handles[i] = calls[i]->init();
    for (int i = 1; i < argc; i++) calls[i]->setopt(handles[i], 10002, "http://127.0.0.1:1/");
    for (int i = 1; i < argc; i++) copies[i] = calls[i]->duphandle(handles[i]);
    for (int i = argc - 1; i > 0; i--) calls[i]->perform(copies[i]);
    for (int i = argc - 1; i > 0; i--) calls[i]->perform(handles[i]);
    long value;
    for (int i = 1; i < argc; i++) calls[i]->getinfo(handles[i], 0, &value), calls[i]->reset(handles[i]);
    for (int i = 1; i < argc; i++) calls[i]->cleanup(handles[i]), calls[i]->cleanup(copies[i]);
    return 0;
}
#endif
