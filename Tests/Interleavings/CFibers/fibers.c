#include "CFibers.h"
#include <stddef.h>
#include <ucontext.h>

enum { STACK = 256 << 10 };

static struct {
    ucontext_t context;
    void (*body)(int);
    _Alignas(16) char stack[STACK];
} fibers[FIBERS_MOST];
static ucontext_t caller;
static int current;

static void begin(void) { fibers[current].body(current); }

void fiber_prepare(int index, void (*body)(int)) {
    getcontext(&fibers[index].context);
    fibers[index].context.uc_stack.ss_sp = fibers[index].stack;
    fibers[index].context.uc_stack.ss_size = STACK;
    fibers[index].context.uc_link = &caller;
    fibers[index].body = body;
    makecontext(&fibers[index].context, begin, 0);
}

void fiber_resume(int index) {
    current = index;
    swapcontext(&caller, &fibers[index].context);
}

void fiber_give_way(void) { swapcontext(&fibers[current].context, &caller); }
