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

// 0, or -1 with a message.
using Describe = int(In<std::byte> file, Out<Header> header, Out<modules::Message> message);
// Four bytes a pixel. The buffer is exactly as large as the header says.
using Decode = int(In<std::byte> file, Out<std::byte> pixels, Out<modules::Message> message);

} // namespace sbm::png::calls
