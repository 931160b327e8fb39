/* SPDX-License-Identifier: Apache-2.0
 *
 * One complete use of the interface from C.
 */
#include "cells.h"

#include <string.h>

struct pair {
    int left, right;
};

static SBM_DEFINE_FUNC(sum_pairs, const struct pair *, pairs, int, count, int *, sums)
{
    for (int i = 0; i < count; i++)
        sums[i] = pairs[i].left + pairs[i].right;
    return count;
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
