// SPDX-License-Identifier: Apache-2.0
//
// The host's half: nothing that came out of the cell is used before it was
// compared with the octets that it claims to describe.
#ifndef PGP_KEYS_CHECK_HPP
#define PGP_KEYS_CHECK_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "format.hpp"
#include "packets.hpp"

namespace pgp {

// What a cell gives back, as it is. The host chooses the tables' sizes.
struct Answer {
    int returned = 0;
    Summary summary{};
    std::vector<BlockRecord> blocks;
    std::vector<PacketRecord> packets;
    std::vector<SubpacketRecord> subpackets;
    std::vector<std::uint8_t> stream;
};

// Tables large enough for any input of that size, up to the limits of format.hpp.
Answer make_answer(std::size_t input_size);

// The packets of `input` if the answer fits it in every field, else the error
// that the cell found, or `answer_inconsistent`.
Outcome<PacketList> check_answer(std::span<const std::uint8_t> input, const Answer &answer);

} // namespace pgp

#endif
