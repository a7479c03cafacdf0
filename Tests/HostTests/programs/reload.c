// reload URL STAYS LIBRARY...: loads each LIBRARY (a libcurl, or a plug-in with a function `fetch`), makes a GET with it and unloads it, three
// times over. A handle of the libcurl STAYS lives across all that and makes a GET each time. Prints what was at a place where another one is.
#define _GNU_SOURCE
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#undef curl_easy_setopt

struct client {
    void *library;
    void *(*init)(void);
    int (*setopt)(void *, int, ...), (*perform)(void *);
    void (*cleanup)(void *);
    char *(*version)(void);
};

static size_t discard(char *data, size_t size, size_t count, void *user) {
    (void)data, (void)user;
    return size * count;
}

static struct client loaded(const char *file) {
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!library) fprintf(stderr, "%s\n", dlerror()), exit(3);
    struct client client = {.library = library};
    client.init = (void *(*)(void))dlsym(library, "curl_easy_init");
    client.setopt = (int (*)(void *, int, ...))dlsym(library, "curl_easy_setopt");
    client.perform = (int (*)(void *))dlsym(library, "curl_easy_perform");
    client.cleanup = (void (*)(void *))dlsym(library, "curl_easy_cleanup");
    client.version = (char *(*)(void))dlsym(library, "curl_version");
    return client;
}

static void *handle_of(struct client *client, const char *url) {
    void *handle = client->init();
    client->setopt(handle, CURLOPT_URL, url);
    client->setopt(handle, CURLOPT_USERAGENT, client->version());
    client->setopt(handle, CURLOPT_WRITEFUNCTION, discard);
    client->setopt(handle, CURLOPT_FORBID_REUSE, 1L);
    return handle;
}

int main(int argc, char **argv) {
    const char *url = argv[1];
    struct client stays = loaded(argv[2]);
    void *kept = handle_of(&stays, url);
    for (int round = 0; round < 3; round++)
        for (int i = 3; i < argc; i++) {
            if (strstr(argv[i], "plugin")) {
                void *plugin = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
                int (*fetch)(const char *) = plugin ? (int (*)(const char *))dlsym(plugin, "fetch") : NULL;
                printf("%d", fetch ? fetch(url) : -1);
                if (plugin) dlclose(plugin);
            } else {
                struct client client = loaded(argv[i]);
                void *handle = handle_of(&client, url);
                printf("%d", client.perform(handle));
                client.cleanup(handle);
                dlclose(client.library);
            }
            printf(" %d\n", stays.perform(kept));
        }
    stays.cleanup(kept);
    return 0;
}
