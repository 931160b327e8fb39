// SPDX-License-Identifier: Apache-2.0
//
// Who answers the system calls of an app; src/system does.
#pragma once

#include "abi/mailbox.h"
#include "base/result.hpp"

#include <cstddef>
#include <span>

namespace cell::call {

class Arena;

class SystemCalls {
public:
    virtual ~SystemCalls() = default;

    // Before the first call: where memory that the cell sees comes from, and the heap that it
    // has. Both outlive the calls.
    virtual Result<void> attach(Arena &arena, std::span<std::byte> heap) = 0;

    // Are its clocks others than this machine's?
    virtual bool has_time() const = 0;

    // Processor time that processes have used which help it, in nanoseconds; never less than
    // before.
    virtual std::uint64_t helper_time() const { return 0; }

    // Answers a call, of which `frame` is a private copy. False ends the app. May throw
    // std::bad_alloc, which ends it as well.
    virtual bool answer(sbm_frame &frame) = 0;
};

} // namespace cell::call
