// SPDX-License-Identifier: Apache-2.0
//
// What the two sides of a module for streams say to each other.
#pragma once

#include "modules/codec_types.hpp"

#include <cstdint>

namespace sbm::modules {

// How far a step came, in bytes of its two buffers.
struct Progress {
    std::uint64_t consumed;
    std::uint64_t produced;
};

// What a step returns besides the refusals of codec_types.hpp.
inline constexpr int kGoesOn = 0;
inline constexpr int kEnded = 1; // there is nothing more to come, unless of more input

// The next bytes of the stream that is open. A step uses up its input, or fills its output.
// After the last input the stream ends, or is refused.
using Step = int(In<std::byte> input, bool is_last, Out<std::byte> output, Out<Progress> progress,
                 Out<Message> message);

} // namespace sbm::modules
