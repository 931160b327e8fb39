/* SPDX-License-Identifier: Apache-2.0
 *
 * What SBM_DISABLED makes of <sbm/sbm.h>: plain calls on the caller's own bytes,
 * without the library. Nothing here is for users.
 */
#ifndef SBM_DETAIL_DISABLED_H
#define SBM_DETAIL_DISABLED_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline int sbm_init(struct sbm *sbm)
{
    sbm->error = 0;
    sbm->state = NULL;
    sbm->input = sbm->output = sbm->io = NULL;
    return 0;
}
static inline int sbm_init_with(struct sbm *sbm, const struct sbm_options *options)
{
    (void)options;
    return sbm_init(sbm);
}
static inline void sbm_release_buffers(struct sbm *sbm)
{
    sbm->input = sbm->output = sbm->io = NULL;
}
/* Shared memory is the caller's, in a list at `state`. */
union sbm_shared_block_ {
    union sbm_shared_block_ *next;
    long double alignment;
};
static inline void *sbm_alloc_shared(struct sbm *sbm, size_t size)
{
    union sbm_shared_block_ *block = NULL;
    if (!sbm->error && size <= SIZE_MAX - sizeof *block)
        block = (union sbm_shared_block_ *)calloc(1, sizeof *block + size);
    if (!block) {
        if (!sbm->error)
            sbm->error = -ENOMEM;
        return NULL;
    }
    block->next = (union sbm_shared_block_ *)sbm->state;
    sbm->state = block;
    return block + 1;
}
static inline void sbm_free_shared(struct sbm *sbm, void *memory)
{
    union sbm_shared_block_ *block = (union sbm_shared_block_ *)sbm->state, *previous = NULL;
    for (; block && block + 1 != memory; block = block->next)
        previous = block;
    if (!block)
        return;
    if (previous)
        previous->next = block->next;
    else
        sbm->state = block->next;
    free(block);
}
static inline void sbm_destroy(struct sbm *sbm)
{
    sbm_release_buffers(sbm);
    while (sbm->state)
        sbm_free_shared(sbm, (union sbm_shared_block_ *)sbm->state + 1);
}
static inline int sbm_error(const struct sbm *sbm) { return sbm->error; }
static inline const char *sbm_error_text(const struct sbm *sbm)
{
    return sbm->error ? "not available with SBM_DISABLED" : "";
}
static inline enum sbm_level sbm_level(const struct sbm *sbm)
{
    (void)sbm;
    return SBM_LEVEL_NONE;
}
static inline const struct sbm_fault *sbm_fault(const struct sbm *sbm)
{
    (void)sbm;
    return NULL;
}
static inline int sbm_reset(struct sbm *sbm)
{
    sbm->error = 0;
    return 0;
}
static inline int sbm_exec(struct sbm *sbm, sbm_func func, void *data)
{
    return sbm->error ? sbm->error : func(data);
}
static inline int sbm_exec_arguments(struct sbm *sbm, sbm_func func, const void *arguments,
                                     size_t size)
{
    (void)size;
    return sbm_exec(sbm, func, (void *)(uintptr_t)arguments);
}

/* A function sees the caller's own bytes: there is nothing to list and nothing to copy. */
static inline void *sbm_add_buf(struct sbm *sbm, struct sbm_buf **list, const void *buf,
                                size_t size)
{
    (void)list;
    (void)size;
    return sbm->error ? NULL : (void *)(uintptr_t)buf;
}
static inline void *sbm_add_aligned_buf(struct sbm *sbm, struct sbm_buf **list, const void *buf,
                                        size_t size, size_t alignment)
{
    (void)alignment;
    return sbm_add_buf(sbm, list, buf, size);
}
static inline void *sbm_map_readonly(struct sbm *sbm, const void *buf, size_t size)
{
    return sbm_add_buf(sbm, &sbm->input, buf, size);
}
static inline void *sbm_map_writable(struct sbm *sbm, void *buf, size_t size)
{
    return sbm_add_buf(sbm, &sbm->io, buf, size);
}
/* Its bytes would be copied to and from a place that the caller names later; a plain
 * call copies nothing, so this cannot be had: -ENOSYS. */
static inline struct sbm_buf *sbm_alloc_buf(struct sbm *sbm, size_t size)
{
    (void)size;
    sbm->error = -ENOSYS;
    return NULL;
}

static inline const char *sbm_level_name(enum sbm_level level)
{
    switch (level) {
    case SBM_LEVEL_STRONGEST:
        return "strongest";
    case SBM_LEVEL_NONE:
        return "none";
    case SBM_LEVEL_WEAK:
        return "weak";
    case SBM_LEVEL_PROCESS:
        return "process";
    case SBM_LEVEL_VM:
        return "vm";
    }
    return "?";
}
static inline int sbm_level_from_name(const char *name, enum sbm_level *level)
{
    for (int i = SBM_LEVEL_STRONGEST; name && i <= SBM_LEVEL_VM; i++) {
        if (strcmp(name, sbm_level_name((enum sbm_level)i)) == 0) {
            *level = (enum sbm_level)i;
            return 0;
        }
    }
    return -EINVAL;
}
static inline const char *sbm_level_missing(enum sbm_level level, char *reason, size_t size)
{
    if (level == SBM_LEVEL_NONE)
        return NULL;
    static const char text[] = "compiled with SBM_DISABLED";
    if (!reason || size == 0)
        return "";
    const size_t part = size < sizeof text ? size : sizeof text;
    memcpy(reason, text, part);
    reason[part - 1] = '\0';
    return reason;
}
static inline const char *sbm_fault_kind_name(enum sbm_fault_kind kind)
{
    (void)kind; /* no call gives a report */
    return "?";
}
static inline const char *sbm_version(void) { return "disabled"; }

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
