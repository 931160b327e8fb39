// SPDX-License-Identifier: Apache-2.0
//
// Words for numbers. Every function takes any number; one without a meaning has a
// word that says so.
#ifndef PGP_KEYS_NAMES_HPP
#define PGP_KEYS_NAMES_HPP

#include <cstdint>
#include <string>
#include <string_view>

#include "format.hpp"

namespace pgp {

std::string_view packet_name(std::uint8_t tag);
std::string_view public_key_algorithm_name(std::uint8_t algorithm);
std::string_view hash_name(std::uint8_t hash);
std::string_view signature_type_name(std::uint8_t type);
std::string_view subpacket_name(std::uint8_t type);
std::string_view attribute_name(std::uint8_t type);
std::string_view curve_name(Curve curve);

// "rsa4096", "nistp256", …; what GnuPG calls such a key.
std::string key_type_name(std::uint8_t algorithm, Curve curve, std::uint32_t bits);

// "certify sign", from the octets of the key flags subpacket.
std::string key_flags_names(std::uint32_t flags);

// The code as a word, and what it means as a clause.
std::string_view error_name(ErrorCode code);
std::string_view error_text(ErrorCode code);

} // namespace pgp

#endif
