// SPDX-License-Identifier: Apache-2.0
//
// Which system calls a module's code wants, as far as can be seen without running it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>

namespace cell::image {

struct FoundSystemCalls {
    std::set<std::uint64_t> numbers;
    // `syscall` instructions, or what looks like them, whose number is not seen: it comes
    // from elsewhere, as in the C library's syscall().
    std::size_t unknown = 0;
};

// Looks for `syscall` instructions, and for what loads a constant into EAX shortly before
// each. It does not follow the flow of control, and takes any bytes for instructions: there
// may be more of them, and some may be none.
FoundSystemCalls find_system_calls(std::span<const std::byte> code);

} // namespace cell::image
