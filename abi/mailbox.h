/* SPDX-License-Identifier: Apache-2.0
 *
 * The mailbox: the one structure that the host and the code inside a cell both
 * know. It lies in memory that the cell can write, so the host reads each field
 * once and believes none of them.
 *
 * Freestanding C, included by host and guest.
 */
#ifndef SBM_ABI_MAILBOX_H
#define SBM_ABI_MAILBOX_H

#include <stdint.h>

/* Who looks at one line must not be given its neighbours, which the other side writes. */
#ifdef __cplusplus
#define SBM_APART alignas(256)
#else
#define SBM_APART _Alignas(256)
#endif

/* Why the cell left. */
enum sbm_exit {
    SBM_EXIT_RETURN = 1, /* the function returned `value` */
    SBM_EXIT_HOST_CALL,  /* a proxy is to be called: `call_*` */
    SBM_EXIT_ABORT,      /* the runtime gave up; `report` says why */
    SBM_EXIT_FAULT,      /* process level: a signal; `fault` says which */
    SBM_EXIT_IDLE        /* vm level, hot calls: there was no request for so long */
};

/* What a request asks for. */
enum sbm_request {
    SBM_REQUEST_CALL = 1, /* run function(data) */
    SBM_REQUEST_MAP,      /* only obey the map orders */
    SBM_REQUEST_RESUME    /* a host call is done; its result is in call_result */
};

/* A change of protection that the process loop makes before it obeys a request. */
struct sbm_map_order {
    uint64_t address;
    uint64_t size;
    uint64_t protection; /* PROT_* of <sys/mman.h> */
};

#define SBM_MAP_ORDERS 16
#define SBM_CONSTANT_ORDERS 160
#define SBM_REPORT_BYTES 512
#define SBM_LOG_BYTES 8192
#define SBM_REFUSED_CALLS 32
#define SBM_REFUSED_NAME 24
#define SBM_SEED_BYTES 32
#define SBM_FRAME_WORDS 12

/* A Linux system call that the personality of a module did not do. */
struct sbm_refused_call {
    char name[SBM_REFUSED_NAME]; /* ends in a zero byte, unless the cell lies */
    uint64_t count;
};

/* The time, for a module: what the clocks showed when the host last looked, and how long
 * ago that was. The cell adds what has passed since its call began. */
struct sbm_clock {
    uint64_t realtime;   /* nanoseconds since 1970 */
    uint64_t monotonic;  /* nanoseconds */
    uint64_t age;        /* ticks of the time-stamp counter since then */
    uint64_t multiplier; /* nanoseconds a tick, times 2^32 */
};

/* A system call of an app, there and back (abi/calls). */
struct sbm_frame {
    uint16_t number;
    uint16_t reserved[3];
    int64_t status;                   /* sbm::calls::Status, from the host */
    uint64_t words[SBM_FRAME_WORDS];  /* arguments; then results */
};
#define SBM_SYSTEM_IS_THERE 1
#define SBM_SYSTEM_HAS_TIME 2 /* and the clocks are its own: they have to be asked for */
/* What stands in `call_proxy` for it, where no record of a proxy or import can be. */
#define SBM_SYSTEM_CALL 1

/* What the signal handler of the process level saw. */
struct sbm_signal_frame {
    uint32_t signal;
    int32_t code;           /* si_code */
    uint64_t address;       /* si_addr, or the system call's number for SIGSYS */
    uint64_t trap;          /* the processor's exception number */
    uint64_t error;         /* and its error code */
    uint64_t registers[17]; /* r8…r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip */
};

/* A page that the cell can read only, at the same address in every cell: below the helper
 * of the process level, which takes from it what it must not take from memory that the cell
 * can write, or from a signal that anybody may have sent. */
#define SBM_CELL_CONSTANTS 0x1fffffffe000
struct sbm_cell_constants {
    uint64_t mailbox;
    uint64_t entry; /* __sbm_call */
    uint64_t stack_top;
    uint64_t thread_pointer;
    uint64_t system_call; /* where `syscall` continues in a module, or 0 */
    uint32_t sequence;    /* of the mailbox when the cell begins to serve */
    uint32_t generation;  /* the last reset that was begun */
    uint32_t ready;       /* the last reset that was done: serve when they are equal */
    uint32_t order_count;
    struct sbm_map_order
        orders[SBM_CONSTANT_ORDERS]; /* all of the buffers' memory, after a reset */
};

struct sbm_mailbox {
    /* Written by the host. `sequence` is a futex at the process level. */
    SBM_APART uint32_t sequence;
    uint32_t request; /* enum sbm_request */
    uint64_t function;
    uint64_t data;
    int64_t call_result;
    uint32_t order_count;
    uint32_t host_waits; /* the host sleeps on `answered`: to be woken */
    uint64_t spin;       /* ticks to look for the next request before sleeping */
    /* Apps at vm: the last of the cell's questions that is answered, and whether the host looks
     * for the next one. If it does, the cell need not leave, but may look for the answer. */
    uint32_t told;
    uint32_t host_looks;

    /* Written by the cell. `answered` is a futex at the process level. */
    SBM_APART uint32_t answered;
    uint32_t exit;       /* enum sbm_exit */
    uint32_t cell_waits; /* the cell sleeps on `sequence`: to be woken */
    uint32_t generation; /* of the reset after which it began to serve */
    int64_t value;
    uint64_t call_proxy;     /* address of a struct sbm_proxy in the image */
    uint64_t call_arguments; /* address of its arguments in the cell */
    uint32_t asked;          /* the number of an app's questions, those before a leave too */

    /* Written once by the host before the cell starts. */
    SBM_APART uint64_t leave; /* void (*)(uint32_t exit): how to leave the cell */
    uint64_t heap_start;
    uint64_t heap_size;
    uint64_t tls_start; /* where the image's thread-local block begins */

    struct sbm_signal_frame fault;
    struct sbm_map_order orders[SBM_MAP_ORDERS];
    char report[SBM_REPORT_BYTES]; /* ends in a zero byte, unless the cell lies */

    /* Modules only. Written by the host before a call. */
    SBM_APART struct sbm_clock clock;
    unsigned char seed[SBM_SEED_BYTES]; /* of the cell's random numbers, its own */

    uint64_t has_system; /* 0, or SBM_SYSTEM_*: there is somebody to answer system calls */

    /* Apps only: there and back. */
    SBM_APART struct sbm_frame frame;

    /* Written by the module. */
    uint64_t thread_pointer; /* after the start */
    uint64_t log_written;    /* bytes, of which the first SBM_LOG_BYTES are kept */
    struct sbm_refused_call refused[SBM_REFUSED_CALLS];
    char log[SBM_LOG_BYTES];
};

#endif
