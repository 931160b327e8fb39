// SPDX-License-Identifier: Apache-2.0
//
// Packet headers and lengths (RFC 9580 §4.2). Runs in the cell.
#ifndef PGP_KEYS_PACKET_READER_HPP
#define PGP_KEYS_PACKET_READER_HPP

#include "format.hpp"
#include "reader.hpp"

namespace pgp {

// Reads the packet at the front of `block`, which is not empty, and moves `block`
// behind it. Fills the record's fields up to `chunks`. `body` becomes the body if
// that lies in one piece, else it becomes empty.
ParseError read_packet(Reader &block, PacketRecord &packet, Reader &body);

} // namespace pgp

#endif
