/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of every kind and number.
 */
#include "cells.h"

#include <string.h>

int no_parameter(void)
{
    return 17;
}
SBM_DEFINE_THUNK(no_parameter);

int six_parameters(signed char a, unsigned short b, int c, uint64_t d, float e, double *out)
{
    *out = (double)a + (double)b + (double)c + (double)d + (double)e;
    return a == -1 && b == 65535 && c == -100000 && d == (uint64_t)1 << 40 && e == 0.5F;
}
SBM_DEFINE_THUNK(six_parameters, signed char, a, unsigned short, b, int, c, uint64_t, d, float, e,
                 double *, out);

int structure_parameter(struct cell_numbers numbers, double *out)
{
    *out = (double)numbers.b;
    return numbers.a + numbers.c;
}
SBM_DEFINE_THUNK(structure_parameter, struct cell_numbers, numbers, double *, out);

int large_parameter(struct cell_block block, uint64_t index)
{
    return index < sizeof block.bytes ? block.bytes[index] : -1;
}
SBM_DEFINE_THUNK(large_parameter, struct cell_block, block, uint64_t, index);

int return_value(int value)
{
    return value;
}
SBM_DEFINE_THUNK(return_value, int, value);

int plain_target(void *data)
{
    return *(int *)data * 2;
}

int overwrite_arguments(void *data)
{
    *(volatile int *)data = CELL_PASS;
    return 0;
}

int __sbm_thunk_show_arguments(void *arguments)
{
    const struct __sbm_arg_show_arguments *given = arguments;
    memcpy(given->out, arguments, sizeof *given);
    return 0;
}
