// SPDX-License-Identifier: Apache-2.0
//
// What the hostile module and its tests agree on.
#pragma once

#include <cstdint>

namespace hostile {

// What the module does before it has started.
enum class Start : std::uint64_t {
    nothing,
    abort,
    write_null,
    exit,
    throw_exception,
    loop,
    allocate,       // more than `operand` bytes, in pieces
    recurse,        // until the stack ends
    thread_pointer, // tells that it lies at `operand`
    return_early,   // by the way out of a call, from within the constructor
    leave,          // with the exit `operand`
    scribble,       // over the mailbox, from the seed `operand`
    answer_early,   // process level: goes on over the mailbox after it has answered
    run_main,       // the end of the start code, before its time
};

// In the module's data, for the test to find and change in the file.
inline constexpr char kMark[] = "what to do at the start";
struct Orders {
    char mark[sizeof kMark];
    Start what;
    std::uint64_t operand;
};

} // namespace hostile
