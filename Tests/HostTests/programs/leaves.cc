// leaves WAY CALLBACK INTERFACE TIMES URL: leaves a libcurl call TIMES times by a callback, then makes a request as always.
//   WAY        throw (a C++ exception), longjmp, or exit (pthread_exit, in a thread each)
//   CALLBACK   write, header, read, progress, debug, sockopt
//   INTERFACE  easy or multi
// Its handle is used no more, as libcurl takes it to be in the callback still.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <curl/curl.h>
#include <exception>
#include <pthread.h>
#include <string>
#include <sys/resource.h>

namespace {
std::string way, callback, interface;
const char *url;
int left;
jmp_buf away;
struct Left {};

void leave() {
    if (way == "longjmp") longjmp(away, 1);
    if (way == "exit") pthread_exit(nullptr);
    throw Left();
}
size_t data(char *, size_t, size_t, void *) { return leave(), 0; }
size_t take(char *, size_t size, size_t count, void *) { return size * count; }
int progress(void *, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return leave(), 0; }
int debug(CURL *, curl_infotype, char *, size_t, void *) { return leave(), 0; }
int sockopt(void *, curl_socket_t, curlsocktype) { return leave(), 0; }

CURL *made() {
    CURL *handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take);
    return handle;
}

void transfer() {
    CURL *handle = made();
    if (callback == "write") curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, data);
    if (callback == "header") curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, data);
    if (callback == "sockopt") curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, sockopt);
    if (callback == "read") {
        curl_easy_setopt(handle, CURLOPT_READFUNCTION, data);
        curl_easy_setopt(handle, CURLOPT_POST, 1L);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, 4L);
    }
    if (callback == "progress") {
        curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, progress);
    }
    if (callback == "debug") {
        curl_easy_setopt(handle, CURLOPT_VERBOSE, 1L);
        curl_easy_setopt(handle, CURLOPT_DEBUGFUNCTION, debug);
    }
    if (interface == "easy") {
        curl_easy_perform(handle);
        return;
    }
    CURLM *multi = curl_multi_init();
    curl_multi_add_handle(multi, handle);
    for (int running = 1; running; curl_multi_wait(multi, nullptr, 0, 1000, nullptr)) curl_multi_perform(multi, &running);
}

/// An exception must come by here, and no further.
void caught() noexcept {
    try {
        transfer();
    } catch (const Left &) {
        left++;
    }
}
void *in_thread(void *) {
    left++;
    transfer();
    left--;
    return nullptr;
}
} // namespace

int main(int count, char **arguments) {
    if (count != 6) return 2;
    way = arguments[1], callback = arguments[2], interface = arguments[3], url = arguments[5];
    std::set_terminate([] { _Exit(9); });
    rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    curl_global_init(CURL_GLOBAL_ALL);
    for (volatile int i = 0; i < std::atoi(arguments[4]); i++) {
        if (way == "longjmp") {
            if (setjmp(away) == 0)
                transfer();
            else
                left++;
        } else if (way == "exit") {
            pthread_t thread;
            if (pthread_create(&thread, nullptr, in_thread, nullptr)) return 4;
            pthread_join(thread, nullptr);
        } else {
            caught();
        }
    }
    CURL *handle = made();
    CURLcode result = curl_easy_perform(handle);
    curl_easy_cleanup(handle);
    std::printf("%d left, then %d\n", left, result);
}
