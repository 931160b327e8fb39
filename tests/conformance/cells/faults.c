/* SPDX-License-Identifier: Apache-2.0
 *
 * One misdeed for each way in which the processor or a system ends a program.
 */
#include "cells.h"

#undef NDEBUG /* the assertion is wanted in every build */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/syscall.h>

/* Reports name the function that holds the instruction. */
#define NOT_INLINED __attribute__((noinline))

static const int constant = 1;
static unsigned char code_in_data[] = {0xc3}; /* ret */

static void nothing_here(void) {}

NOT_INLINED static void access_memory(int misdeed)
{
    volatile uintptr_t null = 0;
    unsigned char code_on_stack[] = {0xc3};
    void (*target)(void) = NULL;
    switch (misdeed) {
    case MISDEED_READ_NULL:
        (void)*(volatile int *)null;
        break;
    case MISDEED_WRITE_NULL:
        *(volatile int *)null = 1;
        break;
    case MISDEED_WRITE_CONSTANT:
        *(volatile int *)(uintptr_t)&constant = 2;
        break;
    case MISDEED_WRITE_CODE:
        *(volatile char *)(uintptr_t)nothing_here = 0;
        break;
    case MISDEED_NON_CANONICAL:
        *(volatile int *)((uintptr_t)1 << 63) = 1;
        break;
    case MISDEED_RUN_DATA:
        target = (void (*)(void))(uintptr_t)code_in_data;
        break;
    case MISDEED_RUN_STACK:
        target = (void (*)(void))(uintptr_t)code_on_stack;
        break;
    default:
        break;
    }
    __asm__ volatile("call *%0" : : "r"(target) : "memory");
}

NOT_INLINED static void divide(int misdeed)
{
    volatile int zero = 0, least = INT_MIN, minus_one = -1, result;
    volatile double one = 1, nil = 0;
    const unsigned unmasked = 0x1d80; /* MXCSR with division by zero unmasked */
    const unsigned short unmasked_x87 = 0x37b;
    switch (misdeed) {
    case MISDEED_DIVIDE:
        result = least / zero;
        break;
    case MISDEED_DIVIDE_OVERFLOW:
        result = least / minus_one;
        break;
    case MISDEED_SSE:
        __asm__ volatile("ldmxcsr %0" : : "m"(unmasked));
        one = one / nil;
        break;
    default:
        __asm__ volatile("fldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" : : "m"(unmasked_x87));
        break;
    }
    (void)result;
}

NOT_INLINED static void run_instruction(int misdeed)
{
    switch (misdeed) {
    case MISDEED_UNDEFINED:
        __asm__ volatile("ud2");
        break;
    case MISDEED_BREAKPOINT:
        __asm__ volatile("int3");
        break;
    case MISDEED_HALT:
        __asm__ volatile("hlt");
        break;
    case MISDEED_PORT:
        __asm__ volatile("outb %%al, $0x80" : : "a"(0));
        break;
    case MISDEED_SINGLE_STEP:
        __asm__ volatile(
            "lea -128(%%rsp), %%rsp\n\tpushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\tnop\n\t"
            "lea 128(%%rsp), %%rsp"
            :
            :
            : "memory", "cc");
        break;
    default: /* the alignment check flag, then a word at an odd address */
        __asm__ volatile("lea -136(%%rsp), %%rsp\n\tpushfq\n\torl $0x40000, (%%rsp)\n\tpopfq\n\t"
                         "movl 1(%%rsp), %%eax\n\tlea 136(%%rsp), %%rsp"
                         :
                         :
                         : "rax", "memory", "cc");
        break;
    }
}

/* getpid by either way into the kernel: harmless where it succeeds. */
NOT_INLINED static int system_call(int misdeed)
{
    long number = misdeed == MISDEED_SYSTEM_CALL ? SYS_getpid : 20;
    if (misdeed == MISDEED_SYSTEM_CALL)
        __asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
    else
        __asm__ volatile("int $0x80" : "+a"(number) : : "memory");
    return number > 0 ? 1 : 0;
}

NOT_INLINED static int call_library(int misdeed)
{
    volatile int one = 1;
    switch (misdeed) {
    case MISDEED_ABORT:
        abort();
    case MISDEED_ASSERTION:
        assert(one == 2);
        break;
    case MISDEED_EXIT:
        exit(3);
    default:
        return getenv("PATH") != NULL;
    }
    return 0;
}

int misbehave(int misdeed)
{
    if (misdeed <= MISDEED_NON_CANONICAL)
        access_memory(misdeed);
    else if (misdeed <= MISDEED_SSE)
        divide(misdeed);
    else if (misdeed <= MISDEED_ALIGNMENT)
        run_instruction(misdeed);
    else if (misdeed == MISDEED_SYSTEM_CALL || misdeed == MISDEED_OLD_SYSTEM_CALL)
        return system_call(misdeed);
    else
        return call_library(misdeed);
    return 0;
}
SBM_DEFINE_THUNK(misbehave, int, misdeed);

/* Moves the stack pointer to `address` and calls a function, as a program does
 * whose stack is used up. */
int use_stack_at(uintptr_t address)
{
    __asm__ volatile("mov %%rsp, %%rbx\n\tmov %0, %%rsp\n\tcall *%1\n\tmov %%rbx, %%rsp"
                     :
                     : "r"(address), "r"(nothing_here)
                     : "rbx", "memory");
    return 0;
}
SBM_DEFINE_THUNK(use_stack_at, uintptr_t, address);

NOT_INLINED static int innermost(uintptr_t address)
{
    return *(const volatile int *)address;
}

NOT_INLINED static int middle(uintptr_t address)
{
    return innermost(address) + 1;
}

int read_deep_inside(uintptr_t address)
{
    return middle(address) + 1;
}
SBM_DEFINE_THUNK(read_deep_inside, uintptr_t, address);
