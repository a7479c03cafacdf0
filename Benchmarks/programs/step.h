// Counts user-space instructions exactly, by the processor's trap flag: after every instruction comes a SIGTRAP, and its handler counts.
//
// callgrind counts too, but it turns the agent's helper (clone with CLONE_VM | CLONE_VFORK) into a fork, so that under it no region ever
// comes to be and no span is recorded. This works on the agent as it ships, with the vDSO's instructions included. Costs about 1 µs an
// instruction. One thread only; the signal must not be blocked meanwhile.
#pragma once
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

static volatile uint64_t stepped;
/// When set, the address of each instruction is kept here, as long as there is room.
static uint64_t *step_addresses;
static uint64_t step_addresses_capacity;

static void count_step(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    if (stepped < step_addresses_capacity) step_addresses[stepped] = (uint64_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    stepped = stepped + 1;
}

static inline void prepare_stepping(void) {
    struct sigaction action = {.sa_sigaction = count_step, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
}

// Compiled with -mno-red-zone: these push.
static inline __attribute__((always_inline)) void start_stepping(void) {
    stepped = 0;
    __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" ::: "cc", "memory");
}

/// Instructions since start_stepping(), a constant few of its own included: only differences mean something.
static inline __attribute__((always_inline)) uint64_t stop_stepping(void) {
    __asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" ::: "cc", "memory");
    return stepped;
}
