// SPDX-License-Identifier: Apache-2.0
//
// Keys and packets for people and for programs. All text that came from a file is
// escaped.
#ifndef PGP_KEYS_PRINT_HPP
#define PGP_KEYS_PRINT_HPP

#include <ostream>

#include <nlohmann/json_fwd.hpp>

#include "key_ring.hpp"

namespace pgp {

// One line a key, user id, user attribute and subkey.
void print_keys(std::ostream &out, const KeyRing &ring);

// The lines pub, sub, fpr, uid and uat of GnuPG's --with-colons, as far as they do
// not depend on verified signatures.
void print_colons(std::ostream &out, const KeyRing &ring);

// One line a packet, and one a subpacket.
void print_packets(std::ostream &out, const PacketList &list);

nlohmann::json to_json(const KeyRing &ring);
nlohmann::json to_json(const PacketList &list);

} // namespace pgp

#endif
