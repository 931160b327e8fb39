// SPDX-License-Identifier: Apache-2.0
//
// What the two sides of the zlib module say to each other, besides `step` of streams.
#pragma once

#include "modules/stream_types.hpp"

namespace sbm::zlib::calls {

// 0, or a refusal. The number of bits is zlib's: 15 for its own format, with 16 added for
// gzip, with 32 added for either; negative for no format at all.
using OpenInflater = int(int window_bits, Out<modules::Message> message);
using OpenDeflater = int(int window_bits, int level, Out<modules::Message> message);

} // namespace sbm::zlib::calls
