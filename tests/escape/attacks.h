/* SPDX-License-Identifier: Apache-2.0
 *
 * What hostile code tries from inside a cell. The functions live in a shared
 * library of their own, which is never instrumented, so that the library under
 * test may be. A test calls them in a cell with sbm_call, and as the allowed twin
 * directly, where a program may do all that a cell may not.
 */
#ifndef SBM_TESTS_ESCAPE_ATTACKS_H
#define SBM_TESTS_ESCAPE_ATTACKS_H

#include <sbm/sbm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An honest function: out[i] = in[i] ^ 0x5a by way of the heap; the sum of `out`.
 * -1 if a variable that only hostile functions change is not as at the start. */
SBM_DEFINE_CALL(attack_none, const unsigned char *, in, size_t, size, unsigned char *, out);

/* In the cell: the instruction of ATTACK_HELPER; a call by it with up to four arguments. */
uint64_t attack_helper_instruction(void);
int64_t attack_helper_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* One byte of memory at any address: read, written, or called as a function. */
SBM_DEFINE_CALL(attack_read, uint64_t, address);
SBM_DEFINE_CALL(attack_write, uint64_t, address, int, value);
SBM_DEFINE_CALL(attack_touch, uint64_t, address); /* writes what it reads */
SBM_DEFINE_CALL(attack_jump, uint64_t, address);
int attack_read(uint64_t address);

/* Where things are, as code in the cell sees them: in a module, elsewhere than in the
 * host. `relocated` is a constant that holds an address. */
struct attack_places {
    uint64_t mailbox, heap, heap_size;
    uint64_t object, object_end;
    uint64_t code, constant, relocated, variable;
};
SBM_DEFINE_CALL(attack_places, struct attack_places *, places);

/* Writes and reads its own stack, heap, variables and `buffer`; 0 if all is well. */
SBM_DEFINE_CALL(attack_own_memory, unsigned char *, buffer, size_t, size);

/* Host side: where things of the library are, in the host and in the cell alike.
 * (Named directly, they would be copied into the program that names them.) */
const int *attack_variable_address(void); /* 1234 at the start */
const char *attack_constant_address(void);

/* Searches [start, end) at every byte for a word w with (w ^ mask) == masked. The
 * first place goes to `found`; 1 if there is one. The word itself never appears. */
struct attack_scan {
    uint64_t start, end, mask, masked;
};
SBM_DEFINE_CALL(attack_scan, const struct attack_scan *, scan, uint64_t *, found);

/* Puts a word wherever memory is zero in the ranges, except around its own stack
 * frame and in the mailbox; with `open`, makes them writable first. The number of
 * words written, divided by 512. Smashing puts random words everywhere. */
struct attack_range {
    uint64_t start, end;
};
SBM_DEFINE_CALL(attack_smash, uint64_t, start, uint64_t, end, uint64_t, seed);
SBM_DEFINE_CALL(attack_fill, const struct attack_range *, ranges, size_t, count, int, open,
                uint64_t, mask, uint64_t, masked);

/* Copies memory, whatever it is. */
SBM_DEFINE_CALL(attack_copy, uint64_t, from, size_t, size, unsigned char *, to);

/* Host side: copies a secret into every kind of memory that this library has. */
void attack_plant_secret(const char *secret, size_t size);

/* ATTACK_HELPER: by way of the instruction of the helper of the level process, from which
 * alone its filter lets anything pass. */
enum attack_entry { ATTACK_SYSCALL, ATTACK_INT80, ATTACK_HELPER };
struct attack_call {
    enum attack_entry entry;
    uint64_t number;
    uint64_t arguments[6];
};
SBM_DEFINE_CALL(attack_system_call, const struct attack_call *, call, int64_t *, result);
int attack_system_call(const struct attack_call *call, int64_t *result);

/* With these flags, in addition, and this stack pointer unless it is 0. */
SBM_DEFINE_CALL(attack_odd_call, uint64_t, number, uint64_t, flags, uint64_t, stack);

/* Processor state. `what` is one bit or more. */
enum attack_state {
    ATTACK_DIRECTION = 1,  /* DF */
    ATTACK_X87 = 2,        /* another control word, a full and broken stack */
    ATTACK_MXCSR = 4,      /* rounds up, flushes to zero, unmasked exceptions */
    ATTACK_VECTORS = 8,    /* all of YMM */
    ATTACK_ALIGNMENT = 16, /* AC */
    ATTACK_FS = 32,        /* the thread pointer */
    ATTACK_GS = 64,
    ATTACK_SINGLE_STEP = 128, /* TF */
    ATTACK_SEGMENTS = 256     /* other selectors in DS, ES, FS and GS */
};
SBM_DEFINE_CALL(attack_dirty, int, what);
struct attack_control {
    uint64_t flags, thread_pointer, gs;
    uint16_t selectors[4]; /* DS, ES, FS, GS */
    uint32_t mxcsr;
    uint16_t x87_control, x87_status;
};
SBM_DEFINE_CALL(attack_look, struct attack_control *, control);
int attack_look(struct attack_control *control);

/* A raw function for sbm_exec: stores what it finds in the registers at once. */
#define ATTACK_XSAVE_BYTES 16384
struct attack_registers {
    uint64_t general[16]; /* rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8…r15 */
    uint64_t flags;
    uint64_t padding[7];
    unsigned char xsave[ATTACK_XSAVE_BYTES] __attribute__((aligned(64)));
};
int attack_dump(void *registers);

/* Host side: fills the vector registers with 64 bytes, over and over. */
void attack_fill_vectors(const void *bytes);

/* One instruction of attack_instruction_list.h; `int n`; ports. */
SBM_DEFINE_CALL(attack_instruction, int, number);
SBM_DEFINE_CALL(attack_interrupt, int, vector);
enum attack_port {
    ATTACK_IN8,
    ATTACK_IN16,
    ATTACK_IN32,
    ATTACK_OUT8,
    ATTACK_OUT16,
    ATTACK_OUT32,
    ATTACK_INS8,
    ATTACK_INS32,
    ATTACK_OUTS8,
    ATTACK_OUTS16
};
SBM_DEFINE_CALL(attack_port, int, port, int, kind, uint64_t, rax, uint64_t, rdi, uint64_t, count);

/* IRETQ to (rip, cs, flags, rsp, ss); zero in rip and rsp stands for good ones. */
struct attack_frame {
    uint64_t rip, cs, flags, rsp, ss;
};
SBM_DEFINE_CALL(attack_iret, const struct attack_frame *, frame);
SBM_DEFINE_CALL(attack_far_return, uint64_t, selector);

/* The mailbox, the runtime's way out, and lies. */
SBM_DEFINE_CALL(attack_host_call, uint64_t, proxy, uint64_t, arguments);
SBM_DEFINE_CALL(attack_leave, unsigned, exit, uint64_t, offset, uint64_t, rax);
SBM_DEFINE_CALL(attack_call_echo, const void *, data, size_t, size, void *, copy, size_t,
                copy_size);
SBM_DEFINE_CALL(attack_echo_forever, void *, unused);
SBM_DEFINE_CALL(attack_scribble, uint64_t, seed);
SBM_DEFINE_CALL(attack_answer_early, int, value, volatile unsigned *, beat);
SBM_DEFINE_CALL(attack_hold, uint64_t, mask, uint64_t, masked);
SBM_DEFINE_CALL(attack_race, int, rounds);
int attack_race_with(uint64_t proxy, int rounds); /* with a proxy or an import of such bytes */
SBM_DEFINE_CALL(attack_sleep, int, unused);

/* Host side: what the proxies of the library saw. */
struct attack_proxy_log {
    long calls, changed;
    uint64_t stop_at; /* on the monotonic clock, in nanoseconds; 0 for never */
};
struct attack_proxy_log *attack_seen(void);
uint64_t attack_proxy_address(void);
uint64_t attack_proxy_size(void);

/* Resources. */
SBM_DEFINE_CALL(attack_loop, int, unused);
SBM_DEFINE_CALL(attack_recurse, long, depth);
SBM_DEFINE_CALL(attack_big_frame, size_t, below);
SBM_DEFINE_CALL(attack_eat_memory, size_t, piece, uint64_t *, total);
SBM_DEFINE_CALL(attack_overrun_heap, size_t, step);
enum attack_place { ATTACK_ON_STACK, ATTACK_ON_HEAP, ATTACK_IN_DATA, ATTACK_IN_CONSTANTS };
SBM_DEFINE_CALL(attack_run_data, int, place);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
