/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile code: instructions that only a kernel may execute, or nobody.
 */
#include "attacks.h"

#include "attack_instruction_list.h"

static unsigned char scratch[4096] __attribute__((aligned(4096)));

#define ATTACK_FUNCTION(name, ways, code)                                                          \
    __attribute__((naked)) static void run_##name(void *memory __attribute__((unused)))            \
    {                                                                                              \
        __asm__(code "\n\tret");                                                                   \
    }
ATTACK_INSTRUCTIONS(ATTACK_FUNCTION)

int attack_instruction(int number)
{
#define ATTACK_POINTER(name, ways, code) run_##name,
    static void (*const functions[])(void *) = {ATTACK_INSTRUCTIONS(ATTACK_POINTER)};
    functions[number](scratch);
    return 0;
}
SBM_DEFINE_THUNK(attack_instruction, int, number);

__attribute__((visibility("hidden"))) extern const unsigned char attack_interrupts[256][4];
__attribute__((visibility("hidden"))) extern const unsigned char attack_port_functions[10][16];
__attribute__((visibility("hidden"))) void attack_iretq(const struct attack_frame *frame);
__attribute__((visibility("hidden"))) void attack_lretq(uint64_t selector);

int attack_interrupt(int vector)
{
    ((void (*)(void))(uint64_t)attack_interrupts[vector])();
    return 0;
}
SBM_DEFINE_THUNK(attack_interrupt, int, vector);

int attack_port(int port, int kind, uint64_t rax, uint64_t rdi, uint64_t count)
{
    const void *source = scratch, *function = attack_port_functions[kind];
    void *target = rdi ? (void *)rdi : scratch;
    __asm__ volatile("call *%[function]"
                     : "+a"(rax), "+D"(target), "+S"(source), "+c"(count)
                     : "d"(port), [function] "r"(function)
                     : "memory", "cc");
    return 7;
}
SBM_DEFINE_THUNK(attack_port, int, port, int, kind, uint64_t, rax, uint64_t, rdi, uint64_t, count);

int attack_iret(const struct attack_frame *frame)
{
    attack_iretq(frame);
    return 0;
}
SBM_DEFINE_THUNK(attack_iret, const struct attack_frame *, frame);

int attack_far_return(uint64_t selector)
{
    attack_lretq(selector);
    return 0;
}
SBM_DEFINE_THUNK(attack_far_return, uint64_t, selector);
