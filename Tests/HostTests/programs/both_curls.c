// both_curls URL PLUGIN: one request by the libcurl this is linked with (OpenSSL), one by the plug-in's (GnuTLS), alternating.
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    void *plugin = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
    if (!plugin) return fprintf(stderr, "%s\n", dlerror()), 3;
    int (*fetch)(const char *) = (int (*)(const char *))dlsym(plugin, "fetch");
    for (int i = 0; i < 2; i++) {
        CURL *handle = curl_easy_init();
        curl_easy_setopt(handle, CURLOPT_URL, argv[1]);
        curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
        curl_easy_setopt(handle, CURLOPT_USERAGENT, curl_version());
        CURLcode code = curl_easy_perform(handle);
        curl_easy_cleanup(handle);
        if (code) return 4;
        if (fetch(argv[1])) return 5;
    }
    return 0;
}
