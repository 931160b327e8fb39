// SPDX-License-Identifier: Apache-2.0
//
// What the two sides of the PNG module say to each other.
#pragma once

#include "modules/codec_types.hpp"

#include <cstdint>

namespace sbm::png::calls {

struct Header {
    std::uint32_t width;
    std::uint32_t height;
};

// 0, or -1 with a message, or, if the pixels (of four bytes) do not take up all of the buffer,
// 1 with nothing in it.
using Read = int(In<std::byte> file, Out<std::byte> pixels, Out<Header> header,
                   Out<modules::Message> message);
inline constexpr int kOtherSize = 1;

} // namespace sbm::png::calls
