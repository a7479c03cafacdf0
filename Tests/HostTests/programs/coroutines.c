// coroutines KIND URL COUNT: requests that are left in the middle, from stacks that are not the thread's own. Every request of the program
// is nobody's child.
//   switched   COUNT coroutines on one thread, each of which gives way in its write callback: they begin and end in turn, interleaved
//   migrated   the same, but what gave way on one thread goes on on another one
//   unmapped   COUNT coroutines that never come back from their callback and whose stacks are unmapped, above the thread's own stack
//   local      as "switched", on stacks that are arrays in a function's frame
//   deeper     COUNT longjmps out of a callback, each followed by a request far below the frame that was left
// The thread that runs them makes a request and a connection of its own between any two steps.
#include "dial.h"
#include <curl/curl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { STACK = 128 << 10, MOST = 64 };

static const char *kind, *url;
static int port, count, ended, wrong;
static jmp_buf away;

struct coroutine {
    ucontext_t context, *back;
    char *stack;
    int is_done;
};
static struct coroutine all[MOST];

static size_t take(char *bytes, size_t size, size_t number, void *unused) {
    (void)bytes, (void)unused;
    return size * number;
}
static size_t give_way(char *bytes, size_t size, size_t number, void *data) {
    (void)bytes;
    struct coroutine *self = data;
    if (self->back) swapcontext(&self->context, self->back);
    return size * number;
}
static size_t jump(char *bytes, size_t size, size_t number, void *unused) {
    (void)bytes, (void)size, (void)number, (void)unused;
    longjmp(away, 1);
}

static void request(curl_write_callback callback, void *data, int leaks) {
    CURL *handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, callback);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, data);
    if (curl_easy_perform(handle) != CURLE_OK) __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
    if (!leaks) curl_easy_cleanup(handle);
}

static void run(unsigned low, unsigned high) {
    struct coroutine *self = (struct coroutine *)((uintptr_t)high << 32 | low);
    request(give_way, self, 0);
    self->is_done = 1;
    setcontext(self->back);
}

static void prepare(struct coroutine *coroutine, char *stack) {
    coroutine->stack = stack;
    getcontext(&coroutine->context);
    coroutine->context.uc_stack.ss_sp = stack;
    coroutine->context.uc_stack.ss_size = STACK;
    makecontext(&coroutine->context, (void (*)(void))run, 2, (unsigned)(uintptr_t)coroutine, (unsigned)((uintptr_t)coroutine >> 32));
}

static __attribute__((noinline)) void go_on(struct coroutine *coroutine) {
    ucontext_t here;
    coroutine->back = &here;
    swapcontext(&here, &coroutine->context);
}

static void own(void) {
    request(take, NULL, 0);
    dial(port);
}

static char *map(size_t size) {
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) exit(4);
    return memory;
}

static void *step_all(void *unused) {
    for (int i = 0; i < count; i++) {
        if (!all[i].is_done) go_on(&all[i]);
        ended += all[i].is_done;
        own();
    }
    return unused;
}

static void in_thread(void *(*work)(void *), char *stack) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (stack) pthread_attr_setstack(&attributes, stack, STACK * 2);
    if (pthread_create(&thread, &attributes, work, NULL)) exit(5);
    pthread_join(thread, NULL);
}

/// Two steps for each: into the callback, and to the end.
static void steps(void) {
    for (ended = 0; ended < count;) {
        ended = 0;
        if (!strcmp(kind, "migrated"))
            in_thread(step_all, NULL);
        else
            step_all(NULL);
    }
}

static void *unmap(void *memory) {
    for (int i = 0; i < count; i++) {
        // Where the thread's own stack ends.
        char *stack = mmap((char *)all[0].stack, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        prepare(&all[1], stack);
        go_on(&all[1]);
        munmap(stack, STACK);
        own();
        ended++;
    }
    return memory;
}

static __attribute__((noinline)) void local(void) {
    char stacks[2][STACK] __attribute__((aligned(16)));
    for (int i = 0; i < count; i += 2) {
        prepare(&all[i], stacks[0]);
        prepare(&all[i + 1], stacks[1]);
        for (int j = 0; j < 4; j++) {
            go_on(&all[i + j % 2]);
            own();
        }
        ended += all[i].is_done + all[i + 1].is_done;
    }
}

/// Steps over `bytes` that stay as they were.
static __attribute__((noinline)) void deeper(int bytes) {
    volatile char *hole = __builtin_alloca((size_t)bytes);
    hole[0] = 1;
    own();
    hole[1] = 1;
}

static void *work(void *unused) {
    if (!strcmp(kind, "unmapped")) {
        char *memory = map(3 * STACK);
        all[0].stack = memory + 2 * STACK;
        in_thread(unmap, memory);
    } else if (!strcmp(kind, "deeper")) {
        for (volatile int i = 0; i < count; i++) {
            if (setjmp(away) == 0) request(jump, NULL, 1);
            deeper(64 << 10);
            ended++;
        }
    } else if (!strcmp(kind, "local")) {
        local();
    } else {
        for (int i = 0; i < count; i++) prepare(&all[i], map(STACK));
        steps();
    }
    return unused;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    kind = argv[1];
    url = argv[2];
    port = atoi(strrchr(url, ':') + 1);
    count = atoi(argv[3]);
    curl_global_init(CURL_GLOBAL_ALL);
    // On the first thread's stack, and on another one's.
    work(NULL);
    printf("%s: %d, %d wrong\n", kind, ended, wrong);
    ended = 0;
    memset(all, 0, sizeof all);
    in_thread(work, NULL);
    printf("%s: %d, %d wrong\n", kind, ended, wrong);
    return 0;
}
