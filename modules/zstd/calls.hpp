// SPDX-License-Identifier: Apache-2.0
//
// What the two sides of the Zstandard module say to each other, besides `step` of streams.
#pragma once

#include "modules/stream_types.hpp"

namespace sbm::zstd::calls {

// Of a stream whose end nobody knows yet: a number that zstd has for it.
inline constexpr std::uint64_t kUnknownSize = ~std::uint64_t{0};

// 0, or a refusal. The size of the whole input goes into the first bytes of the output.
using OpenCompressor = int(int level, std::uint64_t size, Out<modules::Message> message);
using OpenDecompressor = int(Out<modules::Message> message);

} // namespace sbm::zstd::calls
