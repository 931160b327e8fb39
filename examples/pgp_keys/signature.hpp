// SPDX-License-Identifier: Apache-2.0
//
// Signatures (RFC 9580 §5.2), their subpackets, and user attributes (§5.12), which
// consist of subpackets too. Runs in the cell.
#ifndef PGP_KEYS_SIGNATURE_HPP
#define PGP_KEYS_SIGNATURE_HPP

#include <cstdint>
#include <span>

#include "format.hpp"
#include "reader.hpp"

namespace pgp {

// The table that subpackets go to, from `count` on.
struct SubpacketTable {
    std::span<SubpacketRecord> records;
    std::uint32_t count = 0;
};

// A version that is not known is no error; a signature in a signature is noted,
// but not read.
ParseError read_signature(Reader body, PacketRecord &packet, SubpacketTable &table);

ParseError read_user_attribute(Reader body, PacketRecord &packet, SubpacketTable &table);

} // namespace pgp

#endif
