/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions that the conformance suite runs in cells, as their callers see
 * them: the CALL half of each. The THUNK half stands beside the function, in a
 * shared library, so that both halves meet across objects and languages.
 */
#ifndef CONFORMANCE_CELLS_H
#define CONFORMANCE_CELLS_H

#include <stddef.h>
#include <stdint.h>

#include <sbm/sbm.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CELL_PASS = 0x600d600d, CELL_ARGUMENT_BYTES = 10000 };

/* memory.c */
SBM_DEFINE_CALL(write_value, int *, out, int, value);
SBM_DEFINE_CALL(write_at, int *, out, ptrdiff_t, index);
SBM_DEFINE_CALL(read_at, const int *, in, ptrdiff_t, index, int *, out);
SBM_DEFINE_CALL(write_address, uintptr_t, address, int, value);
SBM_DEFINE_CALL(read_address, uintptr_t, address, int *, out);
SBM_DEFINE_CALL(copy_value, const int *, in, int *, out);
SBM_DEFINE_CALL(update_value, int *, value, int, mask);
SBM_DEFINE_CALL(fail_with_output, int *, out, int, code);
SBM_DEFINE_CALL(write_two, int *, first, int *, second);
SBM_DEFINE_CALL(increment, int *, value);
SBM_DEFINE_CALL(fill_bytes, unsigned char *, bytes, size_t, size, int, value);
SBM_DEFINE_CALL(sum_bytes, const unsigned char *, bytes, size_t, size);
SBM_DEFINE_CALL(touch_byte, unsigned char *, bytes, ptrdiff_t, index, int, write);
SBM_DEFINE_CALL(write_then_crash, int *, out);

/* arguments.c */
struct cell_numbers {
    char a;
    long double b;
    short c;
};
struct cell_block {
    unsigned char bytes[CELL_ARGUMENT_BYTES];
};
SBM_DEFINE_CALL(no_parameter);
SBM_DEFINE_CALL(six_parameters, signed char, a, unsigned short, b, int, c, uint64_t, d, float, e,
                double *, out);
SBM_DEFINE_CALL(structure_parameter, struct cell_numbers, numbers, double *, out);
SBM_DEFINE_CALL(large_parameter, struct cell_block, block, uint64_t, index);
SBM_DEFINE_CALL(return_value, int, value);
/* A hand-made thunk, which copies the bytes of its arguments to `out`. */
SBM_DEFINE_CALL(show_arguments, signed char, a, uint64_t, b, struct cell_numbers, c, char, d,
                unsigned char *, out);
int plain_target(void *data);        /* for sbm_exec: doubles the int at `data` */
int overwrite_arguments(void *data); /* a hand-made thunk that writes to its arguments */

/* whole_use.c
 *
 * The whole use of the C interface, compiled as C; 0 or the number of the first
 * check that failed. */
int whole_use_in_c(enum sbm_level level);

/* state.c */
SBM_DEFINE_CALL(count_calls);
SBM_DEFINE_CALL(keep_in_heap, int, value, int *, before);
SBM_DEFINE_CALL(grow_zeros, size_t, index, int, value);
int host_count_of_calls(void); /* the program's own copy of the counter */

/* limits.c */
SBM_DEFINE_CALL(spin_forever);
SBM_DEFINE_CALL(spin_rounds, uint64_t, rounds, uint64_t *, result);
int spin_rounds(uint64_t rounds, uint64_t *result);
SBM_DEFINE_CALL(recurse_forever);
SBM_DEFINE_CALL(recurse, int, depth);
SBM_DEFINE_CALL(allocate_all, size_t, block, size_t *, count, int *, error);
SBM_DEFINE_CALL(allocate_and_keep, size_t, size);

/* faults.c */
enum cell_misdeed {
    MISDEED_READ_NULL,
    MISDEED_WRITE_NULL,
    MISDEED_JUMP_NULL,
    MISDEED_WRITE_CONSTANT,
    MISDEED_WRITE_CODE,
    MISDEED_RUN_DATA,
    MISDEED_RUN_STACK,
    MISDEED_NON_CANONICAL,
    MISDEED_DIVIDE,
    MISDEED_DIVIDE_OVERFLOW,
    MISDEED_X87,
    MISDEED_SSE,
    MISDEED_UNDEFINED,
    MISDEED_BREAKPOINT,
    MISDEED_SINGLE_STEP,
    MISDEED_HALT,
    MISDEED_PORT,
    MISDEED_ALIGNMENT,
    MISDEED_ABORT,
    MISDEED_ASSERTION,
    MISDEED_EXIT,
    MISDEED_SYSTEM_CALL,
    MISDEED_OLD_SYSTEM_CALL,
    MISDEED_IMPORT
};
SBM_DEFINE_CALL(misbehave, int, misdeed);
SBM_DEFINE_CALL(use_stack_at, uintptr_t, address);
SBM_DEFINE_CALL(read_deep_inside, uintptr_t, address);

/* proxies.c */
typedef void (*cell_hook)(void *context);
void set_cell_hook(cell_hook hook, void *context); /* what proxy_hook calls in the host */
SBM_DEFINE_CALL(call_value_proxy, long, a, long, b, long *, result);
SBM_DEFINE_CALL(call_in_proxy, uintptr_t, address, size_t, size, long *, result);
SBM_DEFINE_CALL(call_out_proxy, uintptr_t, address, size_t, size, int, value, long *, result);
SBM_DEFINE_CALL(call_inout_proxy, uintptr_t, address, size_t, size, int, mask, long *, result);
SBM_DEFINE_CALL(call_six_proxy, long *, result);
SBM_DEFINE_CALL(call_empty_proxy, long *, result);
SBM_DEFINE_CALL(call_hook_proxy);
SBM_DEFINE_CALL(call_hook_often, int, count);
SBM_DEFINE_CALL(call_proxy_with_stack, long *, result);
SBM_DEFINE_CALL(call_proxy_with_heap, size_t, size, size_t, claimed, long *, result);
SBM_DEFINE_CALL(call_made_up_proxy);
SBM_DEFINE_CALL(call_half_a_proxy);
SBM_DEFINE_CALL(call_proxy_often, int, count, long *, result);
SBM_DEFINE_CALL(call_proxy_then_write, int *, out);
SBM_DEFINE_CALL(compare_proxy_address, uintptr_t, address, long *, result);

#ifdef __cplusplus
}
#endif

#endif
