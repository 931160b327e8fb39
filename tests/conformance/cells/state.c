/* SPDX-License-Identifier: Apache-2.0
 *
 * What a cell keeps from one call to the next: variables and its heap.
 */
#include "cells.h"

#include <stdlib.h>

enum { ZEROS = 1 << 20 };

static int calls = 100;
static int *kept;
static unsigned char zeros[ZEROS];

int count_calls(void)
{
    return ++calls;
}
SBM_DEFINE_THUNK(count_calls);

int host_count_of_calls(void)
{
    return calls;
}

/* Stores `value` in memory from malloc; `before` is what the last call stored. */
int keep_in_heap(int value, int *before)
{
    if (!kept) {
        kept = malloc(sizeof *kept);
        if (!kept)
            return -1;
        *kept = 0;
    }
    *before = *kept;
    *kept = value;
    return 0;
}
SBM_DEFINE_THUNK(keep_in_heap, int, value, int *, before);

int grow_zeros(size_t index, int value)
{
    if (index >= ZEROS)
        return -1;
    const int before = zeros[index];
    zeros[index] = (unsigned char)value;
    return before;
}
SBM_DEFINE_THUNK(grow_zeros, size_t, index, int, value);
