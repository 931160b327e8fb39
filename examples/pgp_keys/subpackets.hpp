// SPDX-License-Identifier: Apache-2.0
//
// Subpackets of signatures (RFC 9580 §5.2.3) and of user attributes (§5.12). The
// reading runs in the cell; the numbers are for both sides.
#ifndef PGP_KEYS_SUBPACKETS_HPP
#define PGP_KEYS_SUBPACKETS_HPP

#include <cstddef>
#include <cstdint>

#include "format.hpp"
#include "reader.hpp"
#include "signature.hpp"

namespace pgp {

enum SubpacketType : std::uint8_t {
    kCreated = 2,
    kExpiration = 3,
    kKeyExpiration = 9,
    kIssuer = 16,
    kPrimaryUserId = 25,
    kKeyFlags = 27,
    kEmbedded = 32,
    kIssuerFingerprint = 33,
    kIntendedRecipient = 35,
};

// Of a user attribute.
inline constexpr std::uint8_t kImage = 1;
inline constexpr std::size_t kImageHeader = 16; // octets, RFC 9580 §5.12.1

// The octets that a fingerprint of a key of that version has; 0 if not known.
constexpr std::size_t fingerprint_size(std::uint8_t key_version)
{
    return key_version == 6 ? 32 : key_version == 4 ? 20 : key_version < 4 ? 16 : 0;
}

// The octets that a subpacket of that type must have; 0 if that varies.
constexpr std::size_t subpacket_size(std::uint8_t type)
{
    switch (type) {
    case kCreated:
    case kExpiration:
    case kKeyExpiration:
        return 4;
    case 4: // exportable
    case 7: // revocable
    case kPrimaryUserId:
        return 1;
    case 5: // trust: level and amount
        return 2;
    case 12: // revocation key: class, algorithm, V4 fingerprint
        return 22;
    case kIssuer:
        return 8;
    default:
        return 0;
    }
}

// Appends the subpackets that fill `octets` and takes what they say into the
// signature's fields: of two of the same type the last one, and, except for the
// issuer, only from the hashed area, since others can be added by anybody.
ParseError read_subpackets(Reader octets, Area area, PacketRecord &packet, SubpacketTable &table);

} // namespace pgp

#endif
