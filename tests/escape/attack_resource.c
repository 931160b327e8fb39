/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile code: time, memory, stack, and data as code.
 */
#include "attacks.h"

#include <stdlib.h>
#include <string.h>

int attack_loop(int unused)
{
    for (;;)
        __asm__ volatile("" : "+r"(unused));
    return unused;
}
SBM_DEFINE_THUNK(attack_loop, int, unused);

__attribute__((noinline)) int attack_recurse(long depth)
{
    volatile char frame[512];
    frame[0] = 1;
    const int below = depth > 0 ? attack_recurse(depth - 1) : 0;
    return below + frame[0];
}
SBM_DEFINE_THUNK(attack_recurse, long, depth);

/* Writes `below` bytes under its frame, in one step over any guard. */
int attack_big_frame(size_t below)
{
    *((volatile char *)__builtin_frame_address(0) - below) = 1;
    return 0;
}
SBM_DEFINE_THUNK(attack_big_frame, size_t, below);

/* Pieces of heap, each of them touched, until there are no more. */
int attack_eat_memory(size_t piece, uint64_t *total)
{
    *total = 0;
    for (;;) {
        char *memory = malloc(piece);
        if (!memory)
            return 0;
        memset(memory, 0x77, piece);
        *total += piece;
    }
}
SBM_DEFINE_THUNK(attack_eat_memory, size_t, piece, uint64_t *, total);

int attack_overrun_heap(size_t step)
{
    volatile char *memory = malloc(64);
    for (size_t i = 0;; i += step)
        memory[i] = 1;
}
SBM_DEFINE_THUNK(attack_overrun_heap, size_t, step);

static unsigned char code_in_data[16] = {0xb8, 0x2a, 0, 0, 0, 0xc3}; /* return 42 */
static const unsigned char code_in_constants[16] = {0xb8, 0x2a, 0, 0, 0, 0xc3};

int attack_run_data(int place)
{
    unsigned char on_stack[16];
    unsigned char *on_heap = malloc(sizeof on_stack);
    if (!on_heap)
        return -1;
    memcpy(on_stack, code_in_constants, sizeof on_stack);
    memcpy(on_heap, code_in_constants, sizeof on_stack);
    const unsigned char *const places[] = {on_stack, on_heap, code_in_data, code_in_constants};
    __asm__ volatile("" : : "r"(on_stack) : "memory");
    return ((int (*)(void))(uint64_t)places[place])();
}
SBM_DEFINE_THUNK(attack_run_data, int, place);
