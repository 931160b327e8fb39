// SPDX-License-Identifier: Apache-2.0
//
// Level `weak`: a call on a stack of its own, whose faults come back as an exit.
//
// The first guarded call of a process installs handlers for SIGSEGV, SIGBUS,
// SIGILL, SIGFPE, SIGTRAP, SIGSYS and SIGURG, and they stay. A handler acts only
// if the signal belongs to a guarded call of the thread that gets it; every other
// signal goes to the handler that was there before. Abandoning a function in its
// middle leaves behind whatever it held, locks included.
#pragma once

#include "backend/backend.hpp"
#include "backend/watchdog.hpp"
#include "os/memory.hpp"

#include <atomic>
#include <cstdint>
#include <optional>

namespace cell::backend::weak {

class GuardedCall {
public:
    // With a stack of `stack_bytes`, below which lies a guard page.
    static Result<std::unique_ptr<GuardedCall>> create(std::uint64_t stack_bytes);

    // Runs function(data) on this thread. An exception that leaves the function ends the
    // program, as it would leave frames half unwound.
    // NOLINTNEXTLINE(bugprone-exception-escape)
    Exit run(long (*function)(void *), void *data, const Limits &limits) noexcept;

    // In a forked child, before destruction.
    void abandon() noexcept { watchdog_.abandon(); }

    bool is_stack_guard(std::uint64_t address) const;

private:
    GuardedCall();

    os::Mapping stack_;
    os::Mapping signal_stack_;
    // Whom the watchdog interrupts.
    std::atomic<pthread_t> thread_{};
    std::atomic<void *> kicked_{nullptr};
    Watchdog watchdog_;
};

} // namespace cell::backend::weak
