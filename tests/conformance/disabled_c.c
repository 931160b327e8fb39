/* SPDX-License-Identifier: Apache-2.0
 *
 * The compiled-out mode in C: plain calls, and no library to link with.
 */
#define SBM_DISABLED
#include <sbm/sbm.h>

#include "disabled.h"

#include <errno.h>
#include <string.h>

static SBM_DEFINE_FUNC(add_all, const int *, values, int, count, int *, sum)
{
    *sum = 0;
    for (int i = 0; i < count; i++)
        *sum += values[i];
    return count;
}

static SBM_DEFINE_FUNC(nothing)
{
    return 7;
}

static SBM_DEFINE_PROXY(add_bytes, struct sbm_in, bytes, int, more)
{
    long sum = more;
    for (size_t i = 0; i < bytes.size; i++)
        sum += ((const unsigned char *)bytes.data)[i];
    return sum;
}

static int evaluations;

static int *counted(int *pointer)
{
    evaluations++;
    return pointer;
}

__attribute__((unused)) static struct sbm *not_evaluated(void)
{
    evaluations += 1000;
    return NULL;
}

int disabled_calls_in_c(void)
{
    struct sbm sbm;
    const struct sbm_options options = {.level = SBM_LEVEL_VM};
    int values[3] = {1, 2, 3}, sum = 0;
    if (sbm_init(&sbm) != 0 || sbm_init_with(&sbm, &options) != 0)
        return 1;
    if (sbm_call(&sbm, add_all, SBM_COPY_IN(&sbm, values, sizeof values), 3,
                 SBM_COPY_OUT(&sbm, &sum, sizeof sum)) != 3 ||
        sum != 6)
        return 2;
    if (sbm_call(&sbm, nothing) != 7 || add_bytes((struct sbm_in){"\1\2", 2}, 3) != 6)
        return 3;
    if (sbm_error(&sbm) != 0 || sbm_error_text(&sbm)[0] != '\0' || sbm_fault(&sbm) ||
        sbm_level(&sbm) != SBM_LEVEL_NONE || sbm_reset(&sbm) != 0)
        return 4;
    if (sbm_add_buf(&sbm, &sbm.io, &sum, sizeof sum) != &sum ||
        sbm_add_aligned_buf(&sbm, &sbm.io, &sum, sizeof sum, 64) != &sum ||
        sbm_map_readonly(&sbm, &sum, sizeof sum) != &sum ||
        sbm_map_writable(&sbm, &sum, sizeof sum) != &sum || sbm.io)
        return 5;
    sbm_release_buffers(&sbm);
    char *first = sbm_alloc_shared(&sbm, 3), *second = sbm_alloc_shared(&sbm, 4);
    if (!first || !second || first[2] || sbm_map_writable(&sbm, second, 4) != second)
        return 6;
    sbm_free_shared(&sbm, first);
    sbm_destroy(&sbm); /* frees the second one */
    return sbm.state ? 7 : 0;
}

/* What cannot be had without the library says so, and is sticky as ever. */
int disabled_buffer_of_its_own_in_c(void)
{
    struct sbm sbm;
    sbm_init(&sbm);
    if (sbm_alloc_buf(&sbm, 8) || sbm_error(&sbm) != -ENOSYS || !sbm_error_text(&sbm)[0])
        return 1;
    if (sbm_call(&sbm, nothing) != -ENOSYS || sbm_add_buf(&sbm, &sbm.io, &sbm, 1))
        return 2;
    if (sbm_reset(&sbm) != 0 || sbm_call(&sbm, nothing) != 7)
        return 3;
    return 0;
}

int disabled_names_in_c(void)
{
    enum sbm_level level = SBM_LEVEL_NONE;
    char reason[8] = "";
    if (strcmp(sbm_level_name(SBM_LEVEL_VM), "vm") ||
        strcmp(sbm_level_name((enum sbm_level)9), "?"))
        return 1;
    if (sbm_level_from_name("weak", &level) || level != SBM_LEVEL_WEAK ||
        sbm_level_from_name("weaker", &level) != -EINVAL || sbm_level_from_name(NULL, &level) == 0)
        return 2;
    if (sbm_level_missing(SBM_LEVEL_NONE, reason, sizeof reason) ||
        !sbm_level_missing(SBM_LEVEL_VM, reason, sizeof reason) || strcmp(reason, "compile"))
        return 3;
    if (!sbm_version()[0] || strcmp(sbm_fault_kind_name(SBM_FAULT_MEMORY), "?"))
        return 4;
    return 0;
}

/* Each macro gives its buffer back and evaluates nothing else. */
int disabled_evaluations_in_c(void)
{
    int value = 0, *results[5];
    evaluations = 0;
    results[0] = SBM_COPY_IN(not_evaluated(), counted(&value), sizeof value);
    results[1] = SBM_COPY_OUT(not_evaluated(), counted(&value), sizeof value);
    results[2] = SBM_COPY_INOUT(not_evaluated(), counted(&value), sizeof value);
    results[3] = SBM_MAP_READONLY(not_evaluated(), counted(&value), sizeof value);
    results[4] = SBM_MAP_WRITABLE(not_evaluated(), counted(&value), sizeof value);
    for (int i = 0; i < 5; i++)
        if (results[i] != &value)
            return -1;
    return evaluations;
}
