// SPDX-License-Identifier: Apache-2.0
//
// Fingerprints and key ids (RFC 9580 §5.5.4), computed by the host with OpenSSL.
#ifndef PGP_KEYS_FINGERPRINT_HPP
#define PGP_KEYS_FINGERPRINT_HPP

#include <cstdint>
#include <span>

#include "packets.hpp"

namespace pgp {

// Of a V4 or V6 key; `body` is the public part, up to kMaxKeyOctets. Empty if
// OpenSSL refuses the hash.
Octets fingerprint(std::uint8_t version, std::span<const std::uint8_t> body);

// Of a V2 or V3 key: MD5 over the octets of the two numbers.
Octets old_fingerprint(std::span<const std::uint8_t> modulus,
                       std::span<const std::uint8_t> exponent);

// The key id that a V4 or V6 fingerprint contains; empty if there is none.
Octets key_id(std::uint8_t version, const Octets &fingerprint);

} // namespace pgp

#endif
