// SPDX-License-Identifier: Apache-2.0
//
// Values as text that is safe to show on a terminal.
#ifndef PGP_KEYS_TEXT_HPP
#define PGP_KEYS_TEXT_HPP

#include <cstdint>
#include <string>
#include <string_view>

#include "packets.hpp"

namespace pgp {

// Well-formed UTF-8 as it is; every octet that is not part of it, every control
// and every character that changes the direction of text as \xNN, and a backslash
// as \\, so that two different texts never look the same. Also escapes the
// characters of `more`.
std::string escape(std::string_view octets, std::string_view more = {});

// "1F89983E…"; capital letters.
std::string hex(const Octets &octets);

// "2023-01-21" and "2023-01-21 11:44:24" in UTC, whatever the time zone.
std::string date(std::uint64_t seconds);
std::string date_and_time(std::uint64_t seconds);

// One line: the code's meaning, where, the code, and the detail if there is one.
std::string describe(const Problem &problem);

} // namespace pgp

#endif
