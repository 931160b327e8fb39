/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host and a zygote say to each other over their socket, one message a packet: the
 * zygote of cells of the level `process`, or that of runners (abi/runner.h). Zygotes are
 * trusted; they never run the code of a cell themselves.
 *
 * Freestanding C, included by host and guest.
 */
#ifndef SBM_ABI_ZYGOTE_H
#define SBM_ABI_ZYGOTE_H

#include <stdint.h>

#define SBM_ZYGOTE_SEGMENTS 32 /* of one message */
#define SBM_ZYGOTE_FILES 16    /* of one message */
#define SBM_ZYGOTE_ALL_SEGMENTS 256
#define SBM_ZYGOTE_ALL_FILES 64
#define SBM_ZYGOTE_TEXT_BYTES 120

enum sbm_zygote_order {
    SBM_ZYGOTE_ADD = 1, /* keep `segments` and files for the next cell; no reply */
    SBM_ZYGOTE_FORK,    /* start a cell with them; its pidfd comes with the reply */
    SBM_ZYGOTE_REAP,    /* end the cell `pid`; the reply's error is its exit status, or for a
                         * runner that a signal ended the signal's number, negative */
    SBM_ZYGOTE_WATCH,   /* end when the process of the pidfd that comes with it ends; replied to */
    SBM_ZYGOTE_FORK_OPEN, /* as FORK, for a debugger: no wall stands around the cell */
    SBM_ZYGOTE_PREPARE,   /* runners only, and before all else that is said of one: fork it. The
                           * file is /dev/kvm, of which it makes its machine; the reply, with its
                           * pidfd, comes then. It takes the ADDs that follow itself, up to a
                           * FORK, to which there is no reply */
    SBM_ZYGOTE_DISCARD    /* what was added is not to be forked; who has been prepared ends; no
                           * reply */
};

struct sbm_zygote_segment {
    uint64_t address;
    uint64_t size;
    uint64_t offset;     /* in the file */
    uint32_t file;       /* index among the files of all messages for this cell */
    uint32_t protection; /* PROT_* */
    uint32_t flags;      /* MAP_SHARED or MAP_PRIVATE */
    uint32_t may_change; /* its protection, while the cell runs */
};

struct sbm_zygote_message {
    uint32_t order; /* enum sbm_zygote_order */
    uint32_t count; /* of segments */
    int32_t pid;
    uint32_t left_out; /* for tests: the filter of the cell to be forked is without this rule,
                        * counted from 1 in abi/filters.hpp; 0 for none */
    struct sbm_zygote_segment segments[SBM_ZYGOTE_SEGMENTS];
};

struct sbm_zygote_reply {
    int32_t error; /* 0 or an errno */
    int32_t pid;   /* of the cell or runner that it is about, else of the zygote */
    char text[SBM_ZYGOTE_TEXT_BYTES]; /* what went wrong, if that can be said in words */
};

#endif
