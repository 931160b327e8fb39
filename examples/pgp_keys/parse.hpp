// SPDX-License-Identifier: Apache-2.0
//
// The one function that runs in the cell. It takes a file that nobody vouches for
// and gives records, which the host must check: see check.hpp.
#ifndef PGP_KEYS_PARSE_HPP
#define PGP_KEYS_PARSE_HPP

#include <sbm/sandbox.hpp>

#include "format.hpp"

namespace pgp {

// Gives the same error code as the summary. `stream` must be as large as the
// input. The tables may be of any size; what does not fit is an error.
int parse_keys(sbm::In<std::uint8_t> input, sbm::Out<Summary> summary, sbm::Out<BlockRecord> blocks,
               sbm::Out<PacketRecord> packets, sbm::Out<SubpacketRecord> subpackets,
               sbm::Out<std::uint8_t> stream);

} // namespace pgp

#endif
