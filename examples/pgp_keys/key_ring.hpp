// SPDX-License-Identifier: Apache-2.0
//
// Packets put together to keys: which user ids, subkeys and signatures belong to
// which primary key (RFC 9580 §10.1).
#ifndef PGP_KEYS_KEY_RING_HPP
#define PGP_KEYS_KEY_RING_HPP

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "packets.hpp"

namespace pgp {

struct Identity {
    std::variant<UserId, UserAttribute> name;
    std::vector<Signature> signatures;
};

struct Subkey {
    Key key;
    std::vector<Signature> signatures;
};

struct Certificate {
    Key primary;
    std::vector<Signature> signatures; // of the primary key itself
    std::vector<Identity> identities;
    std::vector<Subkey> subkeys;
};

using KeyRing = std::vector<Certificate>;

// Packets that have no part in a key (markers, trust, padding, unknown ones) are
// left out; messages and signatures of documents are an error.
Outcome<KeyRing> assemble(const PacketList &list);

// Was this signature, as it says, made by that key? Nothing is verified.
bool is_by(const Signature &signature, const Key &key);

// When the key expires, in seconds since 1970, as its newest own signature says;
// nothing if it does not. That signature is NOT verified.
std::optional<std::uint64_t> expiry(const Certificate &certificate);
std::optional<std::uint64_t> expiry(const Certificate &certificate, const Subkey &subkey);

} // namespace pgp

#endif
