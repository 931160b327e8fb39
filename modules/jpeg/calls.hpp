// SPDX-License-Identifier: Apache-2.0
//
// What the two sides of the JPEG module say to each other.
#pragma once

#include "modules/codec_types.hpp"

#include <cstdint>

namespace sbm::jpeg::calls {

struct Header {
    std::uint32_t width;
    std::uint32_t height;
};

// The size, or a refusal.
using Describe = int(In<std::byte> file, Out<Header> header, Out<modules::Message> message);
// Three bytes a pixel. The buffer is exactly as large as the header says. Returns how often
// libjpeg found damage that it could paint over.
using Decode = int(In<std::byte> file, Out<std::byte> pixels, Out<modules::Message> message);

} // namespace sbm::jpeg::calls
