// SPDX-License-Identifier: Apache-2.0
//
// The parts of check_answer(). Each compares claims with octets and relies only on
// what an earlier part has established, which its comment names.
#ifndef PGP_KEYS_CHECK_PARTS_HPP
#define PGP_KEYS_CHECK_PARTS_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "algorithms.hpp"
#include "format.hpp"
#include "packets.hpp"

namespace pgp {

using View = std::span<const std::uint8_t>;

// What does not hold, for the error message, or nullptr.
using Doubt = const char *;

// The octets [offset, offset + size) of `octets`, if it has them all.
inline std::optional<View> slice(View octets, std::size_t offset, std::size_t size)
{
    if (offset > octets.size() || size > octets.size() - offset)
        return std::nullopt;
    return octets.subspan(offset, size);
}

// The number in up to four octets at `offset`, the most significant one first.
inline std::optional<std::uint32_t> number_at(View octets, std::size_t offset, std::size_t size)
{
    const auto part = slice(octets, offset, size);
    if (!part)
        return std::nullopt;
    std::uint32_t number = 0;
    for (const std::uint8_t octet : *part)
        number = number << 8 | octet;
    return number;
}

// Do the blocks account for all armour in the input, and does the stream hold
// exactly what they contain?
Doubt check_blocks(View input, std::span<const BlockRecord> blocks, View stream);

// Do the packets fill the blocks without gap and overlap, and do their headers
// say what the records say? `blocks` fill the stream. Afterwards each record's
// body lies within the stream, in one piece if `chunks` is 1.
Doubt check_headers(View stream, std::span<const BlockRecord> blocks,
                    std::span<const PacketRecord> packets);

// Do the elements follow one another from `start` on, as the layout says, within
// `end`? `after` becomes the position behind the last one.
Doubt check_elements(View stream, std::size_t start, std::size_t end, const Layout &layout,
                     const PacketRecord &packet, std::size_t &after);

// The rest relies on check_headers. `subpackets` are those of this packet; each
// function accounts for all of them.
Doubt check_key(View stream, const PacketRecord &packet, Key &key);
Doubt check_signature(View stream, const PacketRecord &packet,
                      std::span<const SubpacketRecord> subpackets, Signature &signature);
Doubt check_attribute(View stream, const PacketRecord &packet,
                      std::span<const SubpacketRecord> subpackets, UserAttribute &attribute);

// Do the first subpackets fill [start, end) of the stream? Moves those into `list`.
Doubt check_subpackets(View stream, std::size_t start, std::size_t end, Area area,
                       std::span<const SubpacketRecord> &subpackets, std::vector<Subpacket> &list);

} // namespace pgp

#endif
