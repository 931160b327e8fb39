// SPDX-License-Identifier: Apache-2.0
//
// Hand-made packets for tests, and the parser called without a cell.
#ifndef PGP_KEYS_TEST_SUPPORT_HPP
#define PGP_KEYS_TEST_SUPPORT_HPP

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "check.hpp"
#include "format.hpp"
#include "packets.hpp"

namespace pgp::test {

// Pieces put one after the other.
Octets join(std::initializer_list<Octets> parts);
// A number in `size` octets, the most significant one first.
Octets number(std::uint64_t value, std::size_t size);
Octets filled(std::size_t size, std::uint8_t octet);
Octets from_text(std::string_view text);
Octets from_hex(std::string_view digits);

// A packet in the new format with the shortest length, or in the old one.
Octets packet(std::uint8_t tag, const Octets &body);
Octets old_packet(std::uint8_t tag, const Octets &body);

// The multiprecision integer with that many octets, of which the first is 0xC1.
Octets mpi(std::size_t size);
Octets mpi_of(const Octets &value); // its first octet is not zero

// Bodies.
Octets v4_key(std::uint8_t algorithm, const Octets &material, std::uint32_t created = 1000000000);
Octets rsa_key(std::size_t modulus_size = 256);
Octets subpacket(std::uint8_t type, const Octets &content);
Octets v4_signature(const Octets &hashed, const Octets &unhashed, std::uint8_t type = 0x13);

// What the parser says to `input`, as it would come out of a cell.
Answer run_parser(const Octets &input);
// The same, checked.
Outcome<PacketList> parse(const Octets &input);
// The error, or none; `answer_inconsistent` if parser and host disagree.
ErrorCode error_of(const Octets &input);

// Armour, with lines of 64 characters and a checksum.
std::string armour(const Octets &octets, std::string_view words = "PUBLIC KEY BLOCK");

// Whole files; a test fails if one cannot be read.
Octets read_file(const std::string &name);
// Debian's archive key rings, sorted; empty if the package is not installed.
std::vector<std::string> debian_rings();

// A small generator with the same numbers everywhere (xorshift64*).
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
    std::uint64_t next();
    // Less than `bound`, which is not zero.
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }

private:
    std::uint64_t state_;
};

// The input with one to four random faults: flipped bits, octets changed, inserted
// and removed, ends cut off, lengths falsified, pieces of `other` put in.
Octets damage(const Octets &input, const Octets &other, Random &random);

} // namespace pgp::test

#endif
