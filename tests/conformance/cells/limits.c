/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions without an end, and functions that take all there is.
 */
#include "cells.h"

#include <errno.h>
#include <stdlib.h>

__attribute__((noinline)) int spin_forever(void)
{
    volatile int forever = 1;
    while (forever) {
    }
    return 0;
}
SBM_DEFINE_THUNK(spin_forever);

/* A sum that shows whether every round was done, and done with whole registers. */
int spin_rounds(uint64_t rounds, uint64_t *result)
{
    uint64_t state = 1;
    for (uint64_t i = 0; i < rounds; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    *result = state;
    return 0;
}
SBM_DEFINE_THUNK(spin_rounds, uint64_t, rounds, uint64_t *, result);

static int recurse_through(int depth, volatile char *above)
{
    volatile char frame[256];
    frame[0] = above[0];
    if (depth == 0)
        return frame[0];
    return recurse_through(depth - 1, frame) + frame[0];
}

int recurse_forever(void)
{
    volatile char top[1] = {0};
    return recurse_through(-1, top);
}
SBM_DEFINE_THUNK(recurse_forever);

int recurse(int depth)
{
    volatile char top[1] = {0};
    return recurse_through(depth, top);
}
SBM_DEFINE_THUNK(recurse, int, depth);

/* Takes blocks until there are no more, writes to all, and gives them back. */
int allocate_all(size_t block, size_t *count, int *error)
{
    struct node {
        struct node *next;
    } *list = NULL;
    *count = 0;
    errno = 0;
    for (;;) {
        struct node *node = malloc(block);
        if (!node)
            break;
        ((volatile char *)node)[block - 1] = 1;
        node->next = list;
        list = node;
        (*count)++;
    }
    *error = errno;
    while (list) {
        struct node *next = list->next;
        free(list);
        list = next;
    }
    return 0;
}
SBM_DEFINE_THUNK(allocate_all, size_t, block, size_t *, count, int *, error);

int allocate_and_keep(size_t size)
{
    volatile char *memory = malloc(size);
    if (!memory)
        return -ENOMEM;
    memory[0] = memory[size - 1] = 1;
    return 0;
}
SBM_DEFINE_THUNK(allocate_and_keep, size_t, size);
