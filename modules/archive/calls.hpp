// SPDX-License-Identifier: Apache-2.0
//
// What the two sides of the archive module say to each other. A call that takes a message
// returns 0, or kRefused or kNoMemory with a message. Entries are packed as
// modules/packed_types.hpp says; an item is an entry:
//
//     entry   kind (1 byte), permissions (number), size, time, text: the path,
//             text: the link's target
//     size    0, or 1 and 8 bytes
//     time    0, or 1, the seconds (8 bytes, signed) and the nanoseconds (number)
#pragma once

#include "modules/codec_types.hpp"
#include "modules/packed_types.hpp"

#include <cstdint>

namespace sbm::archive::calls {

enum class Kind : std::uint8_t { file, directory, symbolic_link, hard_link, other };

// The archive comes in parts: first its size, then the parts in order.
using BeginArchive = int(std::uint64_t size, Out<modules::Message> message);
using AppendPart = int(In<std::byte> part, Out<modules::Message> message);

// All entries are then the result.
using ListEntries = int(Out<modules::PackedSize> result, Out<modules::Message> message);
// Goes to the entry with this number, which is then the result; or the result is nothing
// because the archive has fewer entries. Quick if the number is larger than the last one.
using SeekEntry = int(std::uint64_t index, Out<modules::PackedSize> result,
                      Out<modules::Message> message);
using TakeResult = modules::TakePacked;

// The next bytes of the entry, and how many. Fewer than fit only at its end.
using ReadContent = int(Out<std::byte> part, Out<std::uint64_t> size,
                        Out<modules::Message> message);

} // namespace sbm::archive::calls
