/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile code: system calls by both entries that 64-bit code has.
 */
#include "attacks.h"

static int64_t by_syscall(const struct attack_call *call)
{
    register uint64_t r10 __asm__("r10") = call->arguments[3];
    register uint64_t r8 __asm__("r8") = call->arguments[4];
    register uint64_t r9 __asm__("r9") = call->arguments[5];
    int64_t result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(call->number), "D"(call->arguments[0]), "S"(call->arguments[1]),
                       "d"(call->arguments[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static int64_t by_int80(const struct attack_call *call)
{
    int64_t result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(call->number), "b"(call->arguments[0]), "c"(call->arguments[1]),
                       "d"(call->arguments[2]), "S"(call->arguments[3]), "D"(call->arguments[4])
                     : "r8", "r9", "r10", "r11", "memory");
    return result;
}

/* `syscall; ret` in the program that guest/zygote/zygote.ld puts there. */
uint64_t attack_helper_instruction(void)
{
    const volatile unsigned char *at = (const unsigned char *)0x200000000000;
    while (at[0] != 0x0f || at[1] != 0x05 || at[2] != 0xc3)
        at++;
    return (uint64_t)at;
}

int64_t attack_helper_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    const uint64_t at = attack_helper_instruction();
    register uint64_t r10 __asm__("r10") = d;
    int64_t result;
    __asm__ volatile("call *%[at]"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), [at] "b"(at)
                     : "rcx", "r8", "r9", "r11", "memory");
    return result;
}

static int64_t by_helper(const struct attack_call *call)
{
    return attack_helper_call(call->number, call->arguments[0], call->arguments[1],
                              call->arguments[2], call->arguments[3]);
}

__attribute__((visibility("hidden"))) void attack_odd_syscall(uint64_t number, uint64_t flags,
                                                              uint64_t stack);

int attack_odd_call(uint64_t number, uint64_t flags, uint64_t stack)
{
    attack_odd_syscall(number, flags, stack);
    return 7;
}
SBM_DEFINE_THUNK(attack_odd_call, uint64_t, number, uint64_t, flags, uint64_t, stack);

int attack_system_call(const struct attack_call *call, int64_t *result)
{
    *result = call->entry == ATTACK_INT80    ? by_int80(call)
              : call->entry == ATTACK_HELPER ? by_helper(call)
                                             : by_syscall(call);
    return 0;
}
SBM_DEFINE_THUNK(attack_system_call, const struct attack_call *, call, int64_t *, result);
