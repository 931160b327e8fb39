/* SPDX-License-Identifier: Apache-2.0
 *
 * The cells as a module: the same functions with the same thunks, exported.
 */
#include "cells.h"

#include "kinds/export.h"

/* Functions for sbm_exec are thunks themselves. */
int __sbm_thunk_plain_target(void *data);
int __sbm_thunk_plain_target(void *data)
{
    return plain_target(data);
}
int __sbm_thunk_overwrite_arguments(void *data);
int __sbm_thunk_overwrite_arguments(void *data)
{
    return overwrite_arguments(data);
}

KINDS_EXPORT(allocate_all);
KINDS_EXPORT(allocate_and_keep);
KINDS_EXPORT(copy_value);
KINDS_EXPORT(count_calls);
KINDS_EXPORT(fail_with_output);
KINDS_EXPORT(fill_bytes);
KINDS_EXPORT(grow_zeros);
KINDS_EXPORT(increment);
KINDS_EXPORT(keep_in_heap);
KINDS_EXPORT(large_parameter);
KINDS_EXPORT(misbehave);
KINDS_EXPORT(no_parameter);
KINDS_EXPORT(overwrite_arguments);
KINDS_EXPORT(plain_target);
KINDS_EXPORT(read_address);
KINDS_EXPORT(read_at);
KINDS_EXPORT(read_deep_inside);
KINDS_EXPORT(recurse);
KINDS_EXPORT(recurse_forever);
KINDS_EXPORT(return_value);
KINDS_EXPORT(show_arguments);
KINDS_EXPORT(six_parameters);
KINDS_EXPORT(spin_forever);
KINDS_EXPORT(spin_rounds);
KINDS_EXPORT(structure_parameter);
KINDS_EXPORT(sum_bytes);
KINDS_EXPORT(touch_byte);
KINDS_EXPORT(update_value);
KINDS_EXPORT(use_stack_at);
KINDS_EXPORT(write_address);
KINDS_EXPORT(write_at);
KINDS_EXPORT(write_then_crash);
KINDS_EXPORT(write_two);
KINDS_EXPORT(write_value);
