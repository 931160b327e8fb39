// SPDX-License-Identifier: Apache-2.0
//
// The system calls that are left to the two kinds of process that run a cell, each with what
// it is for. guest/filter makes filters of these tables when the project is built: one with
// all rules, and for the tests one without each of them.
#pragma once

#include "runner.h"

#include <cstddef>
#include <cstdint>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <span>
#include <sys/syscall.h>

namespace sbm::filters {

// The bits of an argument in `mask`, of all 64, are those of `value`.
struct Condition {
    unsigned argument;
    std::uint64_t mask;
    std::uint64_t value;
};

constexpr Condition is(unsigned argument, std::uint64_t value)
{
    return {argument, UINT64_MAX, value};
}

// Of a command of ioctl(2) the kernel sees 32 bits; what is above them differs between C
// libraries.
constexpr Condition commands(unsigned long command)
{
    return {1, UINT32_MAX, command};
}

struct Rule {
    const char *name;
    const char *reason;
    int call;
    Condition conditions[3];
    std::size_t count; // of the conditions
    std::span<const Condition> all_of() const { return {conditions, count}; }
};

// A cell of the level `process`. Everything else traps, which its handler reports.
inline constexpr Rule kCell[] = {
    {"wait", "the cell sleeps until there is a request", SYS_futex, {is(1, FUTEX_WAIT)}, 1},
    {"wake", "it wakes the host, which sleeps until there is an answer", SYS_futex,
     {is(1, FUTEX_WAKE)}, 1},
    {"protect", "buffers become visible: by a change to no rights, to read, or to read and write, "
     "never to execute",
     SYS_mprotect, {{2, ~std::uint64_t{3}, 0}}, 1},
};

// The runner of a cell of the level `vm`. Everything else kills it.
inline constexpr Rule kRunner[] = {
    {"run", "the virtual processor runs", SYS_ioctl,
     {is(0, SBM_RUNNER_PROCESSOR), commands(KVM_RUN), is(2, 0)}, 3},
    {"special registers", "after a page fault CR2 has its address, for the report", SYS_ioctl,
     {is(0, SBM_RUNNER_PROCESSOR), commands(KVM_GET_SREGS)}, 2},
    {"wait", "the runner sleeps until there is a request", SYS_futex,
     {is(0, SBM_RUNNER_ADDRESS + offsetof(sbm_runner, sequence)), is(1, FUTEX_WAIT), is(3, 0)}, 3},
    {"wake", "it wakes the host, which sleeps until there is an answer", SYS_futex,
     {is(0, SBM_RUNNER_ADDRESS + offsetof(sbm_runner, answered)), is(1, FUTEX_WAKE), is(2, 1)}, 3},
    {"return from a signal", "the host ends a call that takes too long by a signal, whose handler "
     "lets the processor come to a stop; then the runner says where it was",
     SYS_rt_sigreturn, {}, 0},
};

} // namespace sbm::filters
