/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of every kind and number, and one complete use of the interface
 * from C.
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

struct pair {
    int left, right;
};

static SBM_DEFINE_FUNC(sum_pairs, const struct pair *, pairs, int, count, int *, sums)
{
    for (int i = 0; i < count; i++)
        sums[i] = pairs[i].left + pairs[i].right;
    return count;
}

int __sbm_thunk_show_arguments(void *arguments)
{
    const struct __sbm_arg_show_arguments *given = arguments;
    memcpy(given->out, arguments, sizeof *given);
    return 0;
}

static SBM_DEFINE_FUNC(nothing)
{
    return 0;
}

static int use_arrays(struct sbm *sbm)
{
    const struct pair pairs[3] = {{1, 2}, {3, 4}, {5, 6}};
    int sums[3] = {0};
    if (sbm_call(sbm, nothing) != 0)
        return 2;
    if (sbm_call(sbm, sum_pairs, SBM_COPY_IN(sbm, pairs, sizeof pairs), 3,
                 SBM_COPY_OUT(sbm, sums, sizeof sums)) != 3)
        return 3;
    if (sums[0] != 3 || sums[1] != 7 || sums[2] != 11)
        return 4;
    struct pair only = {20, 22};
    int sum = 0;
    if (sbm_call(sbm, sum_pairs, SBM_MAP_READONLY(sbm, &only, sizeof only), 1,
                 SBM_MAP_WRITABLE(sbm, &sum, sizeof sum)) != 1)
        return 5;
    return sum == 42 && sbm_error(sbm) == 0 && strcmp(sbm_error_text(sbm), "") == 0 ? 0 : 6;
}

int whole_use_in_c(enum sbm_level level)
{
    struct sbm sbm;
    const struct sbm_options options = {.level = level};
    int failed = 1;
    if (sbm_init_with(&sbm, &options) == 0)
        failed = use_arrays(&sbm);
    sbm_destroy(&sbm);
    return failed;
}
