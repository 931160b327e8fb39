/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host and the zygote say to each other over their socket, one message
 * a packet. The zygote is trusted; it never runs the code of a cell itself.
 *
 * Freestanding C, included by host and guest.
 */
#ifndef SBM_ABI_ZYGOTE_H
#define SBM_ABI_ZYGOTE_H

#include <stdint.h>

#define SBM_ZYGOTE_SEGMENTS 48
#define SBM_ZYGOTE_FILES 16

enum sbm_zygote_order {
    SBM_ZYGOTE_WATCH = 3, /* end when the process of the pidfd that comes with it ends */
    SBM_ZYGOTE_MAP = 1,   /* map `segments`; files come with the message */
    SBM_ZYGOTE_FORK       /* start a cell; its pidfd comes with the reply */
};

struct sbm_zygote_segment {
    uint64_t address;
    uint64_t size;
    uint64_t offset;     /* in the file */
    uint32_t file;       /* index among the files of the message */
    uint32_t protection; /* PROT_* */
    uint32_t flags;      /* MAP_SHARED or MAP_PRIVATE */
    uint32_t reserved;
};

struct sbm_zygote_message {
    uint32_t order; /* enum sbm_zygote_order */
    uint32_t count; /* of segments */
    uint64_t mailbox;
    uint64_t entry; /* __sbm_call of the runtime */
    uint64_t stack_top;
    uint64_t thread_pointer;
    uint64_t system_call; /* where `syscall` continues in a module, or 0 */
    struct sbm_zygote_segment segments[SBM_ZYGOTE_SEGMENTS];
};

struct sbm_zygote_reply {
    int32_t error;    /* 0 or an errno */
    int32_t pid;      /* of the cell, for SBM_ZYGOTE_FORK */
    uint64_t address; /* of the segment that could not be mapped */
};

#endif
