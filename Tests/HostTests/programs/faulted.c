// faulted PORT URL [HIDDEN PATH]: a bit of all that is traced, and what of it could be seen from outside: results, errno, descriptors,
// signals, children. With HIDDEN it renames that socket to PATH after its first call, and goes on until a relay there would have been
// found.
#include "dial.h"
#include <curl/curl.h>
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static size_t count(char *bytes, size_t size, size_t times, void *total) {
    (void)bytes;
    *(size_t *)total += size * times;
    return size * times;
}

static CURL *request(const char *url, size_t *total) {
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, total);
    return easy;
}

static void by_easy(const char *url) {
    size_t total = 0;
    long status = 0;
    struct curl_slist *headers = curl_slist_append(NULL, "X-Own: 1");
    CURL *easy = request(url, &total);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    errno = 4242;
    CURLcode result = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    printf("easy %d, status %ld, %zu bytes\n", result, status, total);
    // The list is the program's again, and libcurl has no other.
    curl_slist_free_all(headers);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    printf("again %d\n", curl_easy_perform(easy));
    CURL *copy = curl_easy_duphandle(easy);
    curl_easy_reset(easy);
    curl_easy_cleanup(easy);
    curl_easy_cleanup(copy);
}

static void by_multi(const char *url) {
    size_t total = 0;
    int running = 0, left;
    CURLM *multi = curl_multi_init();
    for (int i = 0; i < 2; i++) curl_multi_add_handle(multi, request(url, &total));
    do {
        curl_multi_perform(multi, &running);
        if (running) curl_multi_wait(multi, NULL, 0, 100, NULL);
    } while (running);
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
        CURL *easy = message->easy_handle;
        printf("multi %d\n", message->data.result);
        curl_multi_remove_handle(multi, easy);
        curl_easy_cleanup(easy);
    }
    printf("cleanup %d, %zu bytes\n", curl_multi_cleanup(multi), total);
}

static void print_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char link[64], target[PATH_MAX] = {0};
        snprintf(link, sizeof link, "/proc/self/fd/%.20s", entry->d_name);
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(folder) && readlink(link, target, sizeof target - 1) > 0)
            printf("fd %s %s\n", entry->d_name, target);
    }
    if (folder) closedir(folder);
}

static void print_status(void) {
    FILE *status = fopen("/proc/self/status", "r");
    char line[512];
    while (status && fgets(line, sizeof line, status))
        if (!strncmp(line, "Threads", 7) || (!strncmp(line, "Sig", 3) && line[3] != 'Q') || !strncmp(line, "ShdPnd", 6)) fputs(line, stdout);
    if (status) fclose(status);
}

static void print_mask(void) {
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("blocked signals");
    for (int number = 1; number < NSIG; number++)
        if (sigismember(&now, number)) printf(" %d", number);
    printf("\n");
}

int main(int argc, char **argv) {
    int port = atoi(argv[1]);
    sigset_t own;
    sigemptyset(&own);
    sigaddset(&own, SIGUSR2);
    sigprocmask(SIG_BLOCK, &own, NULL);
    char longer[3000];
    snprintf(longer, sizeof longer, "%s/long?a=%0*d", argv[2], 2000, 1);
    errno = 4242;
    int error = dial(port);
    printf("dial %d errno %d\n", error, errno);
    print_mask();
    by_easy(argv[2]);
    by_easy(longer);
    by_multi(argv[2]);

    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGPIPE);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    printf("blocked %d\n", dial(port));
    sigprocmask(SIG_SETMASK, &before, NULL);

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        printf("child %d\n", dial(port));
        by_easy(argv[2]);
        print_descriptors();
        print_mask();
        fflush(stdout);
        _exit(3);
    }
    int status = 0, waited = waitpid(child, &status, 0) == child;
    printf("child %d ended %d\n", waited, WEXITSTATUS(status));
    if (argc > 4) {
        printf("renamed %d\n", rename(argv[3], argv[4]));
        for (int i = 0; i < 4; i++) {
            usleep(15000);
            dial(port);
        }
    }
    print_descriptors();
    print_status();
    errno = 0;
    waited = wait(&status);
    printf("wait %d %s\n", waited, strerror(errno));
    return 7;
}
