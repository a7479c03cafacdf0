// reach WAY LIBRARY URL: one GET by a libcurl that is got at in one of these ways.
//
//   plugin-FLAGS   LIBRARY is a plug-in that is linked with libcurl (curl_plugin.c), loaded with FLAGS
//   handle-FLAGS   LIBRARY is a libcurl, loaded with FLAGS, its functions asked for by dlsym(handle)
//   program        … by dlsym(dlopen(NULL)), after it was loaded RTLD_GLOBAL
//   default, next  … by dlsym(RTLD_DEFAULT), dlsym(RTLD_NEXT)
//   version        … by dlvsym(handle); argv[4] is the version
//
// FLAGS: local, global, deepbind.
#define _GNU_SOURCE
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#undef curl_easy_setopt

#ifdef DLSYM_VERSION
__asm__(".symver dlsym, dlsym@" DLSYM_VERSION);
#endif

static const char *version;

static int flags(const char *way) {
    if (strstr(way, "local")) return RTLD_LOCAL;
    return strstr(way, "deepbind") ? RTLD_LOCAL | RTLD_DEEPBIND : RTLD_GLOBAL;
}

static void *loaded(const char *library, int how) {
    void *handle = dlopen(library, RTLD_NOW | how);
    if (!handle) fprintf(stderr, "%s\n", dlerror()), exit(3);
    return handle;
}

static void *function(void *handle, const char *name) {
    dlerror();
    void *found = version ? dlvsym(handle, name, version) : dlsym(handle, name);
    void *again = version ? dlvsym(handle, name, version) : dlsym(handle, name);
    const char *error = dlerror();
    if (error) fprintf(stderr, "%s\n", error), exit(4);
    if (!found || found != again) fprintf(stderr, "%s: %p, then %p\n", name, found, again), exit(5);
    return found;
}

static size_t show(char *data, size_t size, size_t count, void *user) {
    (void)user;
    return fwrite(data, size, count, stdout);
}

static int fetch_by(void *handle, const char *url) {
    void *(*init)(void) = (void *(*)(void))function(handle, "curl_easy_init");
    int (*setopt)(void *, int, ...) = (int (*)(void *, int, ...))function(handle, "curl_easy_setopt");
    int (*perform)(void *) = (int (*)(void *))function(handle, "curl_easy_perform");
    int (*getinfo)(void *, int, ...) = (int (*)(void *, int, ...))function(handle, "curl_easy_getinfo");
    void *(*duphandle)(void *) = (void *(*)(void *))function(handle, "curl_easy_duphandle");
    void (*reset)(void *) = (void (*)(void *))function(handle, "curl_easy_reset");
    void (*cleanup)(void *) = (void (*)(void *))function(handle, "curl_easy_cleanup");
    char *(*version_text)(void) = (char *(*)(void))function(handle, "curl_version");
    void *template = init();
    setopt(template, CURLOPT_URL, url);
    setopt(template, CURLOPT_USERAGENT, version_text());
    setopt(template, CURLOPT_WRITEFUNCTION, show);
    void *easy = duphandle(template);
    reset(template);
    cleanup(template);
    int code = perform(easy);
    long status = 0;
    getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    printf("%d %ld\n", code, status);
    cleanup(easy);
    return code;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    const char *way = argv[1], *url = argv[3];
    if (!strncmp(way, "plugin-", 7)) {
        int (*fetch)(const char *) = (int (*)(const char *))dlsym(loaded(argv[2], flags(way)), "fetch");
        int code = fetch(url);
        printf("%d\n", code);
        return code;
    }
    if (!strncmp(way, "handle-", 7)) return fetch_by(loaded(argv[2], flags(way)), url);
    if (!strcmp(way, "version")) version = argv[4];
    void *handle = loaded(argv[2], RTLD_GLOBAL);
    if (!strcmp(way, "program")) handle = loaded(NULL, 0);
    if (!strcmp(way, "default")) handle = RTLD_DEFAULT;
    if (!strcmp(way, "next")) handle = RTLD_NEXT;
    return fetch_by(handle, url);
}
