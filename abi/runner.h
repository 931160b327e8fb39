/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host and a runner say to each other. A runner is a process that does nothing but
 * run the virtual processor of one cell. It is forked from a zygote of its own, by the
 * messages of abi/zygote.h; this structure is the first segment that it is given, and both
 * have it mapped from then on. A runner is not trusted: the host reads each field that it
 * can write once, and believes none of them.
 *
 * Freestanding C, included by host and guest.
 */
#ifndef SBM_ABI_RUNNER_H
#define SBM_ABI_RUNNER_H

#include "mailbox.h"

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

/* The segments of a runner: this structure, all of the window, and then regions of the image,
 * of the buffers (`may_change`, and not of the window), and what is lent. */
enum { SBM_RUNNER_CONTROL, SBM_RUNNER_WINDOW, SBM_RUNNER_REGIONS };

/* Where a runner has this structure, so that its filter can name the words in it. */
#define SBM_RUNNER_ADDRESS 0x1ffffff00000
/* Its only descriptor. */
#define SBM_RUNNER_PROCESSOR 0

#define SBM_RUNNER_TEXT_BYTES 252
#define SBM_RUNNER_CPUIDS 256

enum sbm_runner_exit {
    SBM_RUNNER_READY = 1,   /* to start serving: the answer to the first request */
    SBM_RUNNER_REFUSED,     /* something is missing: `text`; it has ended */
    SBM_RUNNER_OBEYED,      /* the map orders */
    SBM_RUNNER_RETURNED,    /* `value` */
    SBM_RUNNER_HOST_CALL,   /* what is called is in the cell's mailbox */
    SBM_RUNNER_ABORTED,     /* `registers` */
    SBM_RUNNER_FAULTED,     /* `vector`, `value` is the error code, `address`, `registers` */
    SBM_RUNNER_SYSTEM_CALL, /* `value`, `registers` */
    SBM_RUNNER_STOPPED,     /* as the host asked: `registers` */
    SBM_RUNNER_FAILED       /* the machine cannot go on: `text` */
};

struct sbm_runner {
    /* Written by the host. `sequence` is a futex. */
    SBM_APART uint32_t sequence;
    uint32_t request; /* enum sbm_request */
    uint64_t function;
    uint64_t data;
    uint32_t order_count;
    uint32_t host_waits; /* the host sleeps on `answered`: to be woken */
    uint32_t stop;       /* not 0: the request is to end, and a signal tells; then the runner dies */

    /* Written by the runner. `answered` is a futex. */
    SBM_APART uint32_t answered;
    uint32_t exit;         /* enum sbm_runner_exit */
    uint32_t runner_waits; /* the runner sleeps on `sequence`: to be woken */
    uint32_t vector;
    uint64_t value;
    uint64_t address;
    uint64_t registers[17]; /* as in struct sbm_signal_frame */
    char text[SBM_RUNNER_TEXT_BYTES];

    /* Written by the host. */
    SBM_APART struct sbm_map_order orders[SBM_MAP_ORDERS];

    /* Written by the host before the start. */
    SBM_APART uint32_t left_out; /* 0, or one more than the rule that the filter is without */
    uint32_t reserved;
    uint64_t mailbox; /* its offset in the window */
    uint64_t entry;
    uint64_t stack_top;
    uint64_t thread_pointer;
    uint64_t system_window;
    uint64_t system_call_entry;
    uint32_t cpuid_count;
    struct kvm_cpuid_entry2 cpuid[SBM_RUNNER_CPUIDS]; /* what the processor says of itself */
};

#endif
