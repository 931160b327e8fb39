/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a cell process, after the zygote has forked it.
 */
#ifndef SBM_GUEST_ZYGOTE_CELL_H
#define SBM_GUEST_ZYGOTE_CELL_H

#include "abi/mailbox.h"
#include "abi/zygote.h"

/* What a cell inherits from the zygote: handlers, limits, the loss of all rights. */
void cell_prepare(void);

/* Gives up everything else that a cell does not need, and serves calls until killed.
 * `parent` is the zygote's process id; `left_out` as in the zygote's message. An open one is for a
 * debugger: others may trace it, and it can make every system call from the one place where the
 * helper makes its own. */
__attribute__((noreturn)) void cell_run(long parent, int is_open, uint32_t left_out);

/* Begins to serve, with nothing left of whatever ran before: from cell_run, and from
 * the handler of a reset. */
__attribute__((noreturn)) void cell_serve(void);

/* Calls entry(function, data) on the stack that ends at `stack_top`, and comes
 * back on this one with clean processor flags whatever the function did to its
 * registers. In start.S. */
long cell_call_on_stack(uint64_t stack_top, uint64_t entry, uint64_t function, uint64_t data);

/* Loads these registers, in the order of sbm_signal_frame, and jumps to
 * cell_system_call_entry; RIP among them is ignored. In start.S. */
__attribute__((noreturn)) void cell_continue(const uint64_t registers[17]);
extern __attribute__((visibility("hidden"))) uint64_t cell_system_call_entry;

#endif
