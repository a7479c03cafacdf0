// A libcurl in which each handle knows the library that made it; STAMP is that one's name. It says each call of stamped_user.c that comes
// in (the agent makes some too), and ends the program when a handle has got into another library than its own.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct handle {
    const char *stamp;
};
static const char stamp[] = STAMP;

static void check(const struct handle *handle, const char *function) {
    if (function) printf("%s: %s\n", stamp, function);
    if (handle && strcmp(handle->stamp, stamp)) printf("%s got a handle of %s\n", stamp, handle->stamp), exit(70);
}

void *curl_easy_init(void) {
    check(NULL, "init");
    struct handle *handle = malloc(sizeof *handle);
    handle->stamp = stamp;
    return handle;
}
void *curl_easy_duphandle(struct handle *source) {
    check(source, "duphandle");
    return curl_easy_init();
}
void curl_easy_reset(struct handle *handle) { check(handle, "reset"); }
void curl_easy_cleanup(struct handle *handle) {
    check(handle, "cleanup");
    free(handle);
}
int curl_easy_setopt(struct handle *handle, int option, ...) { return check(handle, option == 10002 ? "setopt" : NULL), 0; }
int curl_easy_getinfo(struct handle *handle, int info, ...) { return check(handle, info == 0 ? "getinfo" : NULL), 1; }

// The real one makes itself a handle here by its own exported function, and frees it without.
int curl_easy_perform(struct handle *handle) {
    check(handle, "perform");
    struct handle *own = curl_easy_init();
    check(own, "its own");
    free(own);
    return 0;
}
