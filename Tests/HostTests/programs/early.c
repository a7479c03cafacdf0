// A library whose constructor calls every function that the agent exports, and prints what came of it. Preloaded, or needed by early_user
// (-DUSER: a program that does nothing), it comes before the agent's constructor.
//
// `early_names`, a variable, has the libc functions that are called, one after the other: the test compares it with the exports.
#ifdef USER
extern const char early_names[];
int main(void) { return early_names[0] == 0; }
#else
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in nobody = {.sin_family = AF_INET};
static char byte;
static struct iovec vector = {&byte, 1};
static struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
static socklen_t length = sizeof nobody;
static struct addrinfo *addresses;
static struct hostent host, *found;
static char storage[8192];
static int problem;

// Wild arguments are the kernel's to refuse; its number for that is what is printed.
#define FUNCTIONS(F)                                                                                                                       \
    F(connect, connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&nobody, sizeof nobody))                                        \
    F(__connect, __connect(-1, (struct sockaddr *)&nobody, sizeof nobody))                                                                 \
    F(socket, socket(-1, SOCK_STREAM, 0))                                                                                                  \
    F(dlsym, dlsym(RTLD_DEFAULT, "getpid") != NULL && dlsym(RTLD_NEXT, "no_such_function") == NULL)                                        \
    F(dlopen, dlopen("no-such-library.so", RTLD_NOW | RTLD_DEEPBIND) == NULL && dlerror() != NULL)                                         \
    F(prctl, prctl(PR_GET_DUMPABLE))                                                                                                       \
    F(syscall, syscall(SYS_connect, -1, NULL, 0))                                                                                          \
    F(getsockopt, getsockopt(-1, SOL_SOCKET, SO_ERROR, &byte, &length))                                                                    \
    F(getpeername, getpeername(-1, (struct sockaddr *)&nobody, &length))                                                                   \
    F(close, close(-1))                                                                                                                    \
    F(__close, __close(-1))                                                                                                                \
    F(close_range, close_range(900, 901, 0))                                                                                               \
    F(closefrom, (closefrom(900), 0))                                                                                                      \
    F(dup2, dup2(-1, 900))                                                                                                                 \
    F(__dup2, __dup2(-1, 900))                                                                                                             \
    F(dup3, dup3(-1, 900, O_CLOEXEC))                                                                                                      \
    F(getaddrinfo, getaddrinfo("localhost", NULL, NULL, &addresses))                                                                       \
    F(gethostbyname, gethostbyname("localhost") == NULL)                                                                                   \
    F(gethostbyname2, gethostbyname2("localhost", AF_INET) == NULL)                                                                        \
    F(gethostbyname_r, gethostbyname_r("localhost", &host, storage, sizeof storage, &found, &problem))                                     \
    F(gethostbyname2_r, gethostbyname2_r("localhost", AF_INET, &host, storage, sizeof storage, &found, &problem))                          \
    F(fork, child(fork()))                                                                                                                 \
    F(__fork, child(__fork()))                                                                                                             \
    F(_Fork, child(_Fork()))                                                                                                               \
    F(send, send(-1, &byte, 1, 0))                                                                                                         \
    F(__send, __send(-1, &byte, 1, 0))                                                                                                     \
    F(sendto, sendto(-1, &byte, 1, 0, NULL, 0))                                                                                            \
    F(sendmsg, sendmsg(-1, &message, 0))                                                                                                   \
    F(recv, recv(-1, &byte, 1, 0))                                                                                                         \
    F(__recv_chk, __recv_chk(-1, &byte, 1, 1, 0))                                                                                          \
    F(recvfrom, recvfrom(-1, &byte, 1, 0, NULL, NULL))                                                                                     \
    F(__recvfrom_chk, __recvfrom_chk(-1, &byte, 1, 1, 0, NULL, NULL))                                                                      \
    F(recvmsg, recvmsg(-1, &message, 0))                                                                                                   \
    F(read, read(-1, &byte, 1))                                                                                                            \
    F(__read, __read(-1, &byte, 1))                                                                                                        \
    F(__read_chk, __read_chk(-1, &byte, 1, 1))                                                                                             \
    F(write, write(-1, &byte, 1))                                                                                                          \
    F(__write, __write(-1, &byte, 1))                                                                                                      \
    F(writev, writev(-1, &vector, 1))
#define NAME(name, call) #name "\n"
const char early_names[] = FUNCTIONS(NAME);

int __connect(int, const struct sockaddr *, socklen_t), __close(int), __dup2(int, int);
pid_t __fork(void), _Fork(void);
ssize_t __send(int, const void *, size_t, int), __recv_chk(int, void *, size_t, size_t, int), __read(int, void *, size_t);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, void *, void *), __read_chk(int, void *, size_t, size_t), __write(int, const void *, size_t);

static __attribute__((always_inline)) inline int child(pid_t pid) {
    if (pid == 0) _exit(7);
    int status = -1;
    return pid < 0 || waitpid(pid, &status, 0) != pid ? -1 : WEXITSTATUS(status);
}

static size_t show(char *data, size_t size, size_t count, void *user) {
    (void)user;
    return (size_t)printf("%.*s", (int)(size * count), data);
}

static void all_of_libcurl(const char *url) {
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, show);
    CURL *copy = curl_easy_duphandle(easy);
    printf("perform: %d\n", curl_easy_perform(easy));
    curl_easy_reset(easy);
    curl_easy_cleanup(easy);
    CURLM *multi = curl_multi_init();
    int running = 1, queued = 0;
    printf("add: %d\n", curl_multi_add_handle(multi, copy));
    while (running && curl_multi_perform(multi, &running) == CURLM_OK) curl_multi_poll(multi, NULL, 0, 100, NULL);
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#undef curl_multi_socket
    curl_multi_socket(multi, CURL_SOCKET_TIMEOUT, &running);
    curl_multi_socket_all(multi, &running);
    CURLMsg *done = curl_multi_info_read(multi, &queued);
    printf("done: %d, %d left\n", done ? (int)done->data.result : -1, queued);
    printf("remove: %d\n", curl_multi_remove_handle(multi, copy));
    curl_easy_cleanup(copy);
    printf("cleanup: %d\n", curl_multi_cleanup(multi));
}

__attribute__((constructor)) static void early(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    errno = 0;
#define CALL(name, call)                                                                                                                   \
    {                                                                                                                                      \
        errno = 0;                                                                                                                         \
        long result = (long)(call);                                                                                                        \
        printf("%s: %ld, errno %d\n", #name, result, errno);                                                                               \
    }
    FUNCTIONS(CALL)
    const char *error = dlerror();
    printf("%s\n", error && strstr(error, "no_such_function") ? "its own message" : error ? error : "no message");
    all_of_libcurl("file:///etc/debian_version");
    all_of_libcurl("http://127.0.0.1:1/");
}
#endif
