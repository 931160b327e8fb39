// SPDX-License-Identifier: Apache-2.0

#include "test_support.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <gtest/gtest.h>

#include "armour.hpp"
#include "parse.hpp"

namespace pgp::test {

Octets join(std::initializer_list<Octets> parts)
{
    Octets all;
    for (const Octets &part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

Octets number(std::uint64_t value, std::size_t size)
{
    Octets octets(size);
    for (std::size_t i = size; i-- > 0; value >>= 8)
        octets[i] = static_cast<std::uint8_t>(value);
    return octets;
}

Octets filled(std::size_t size, std::uint8_t octet)
{
    return Octets(size, octet);
}

Octets from_text(std::string_view text)
{
    return Octets(text.begin(), text.end());
}

Octets from_hex(std::string_view digits)
{
    Octets octets;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        const std::string pair(digits.substr(i, 2));
        octets.push_back(static_cast<std::uint8_t>(std::stoul(pair, nullptr, 16)));
    }
    return octets;
}

namespace {

Octets new_length(std::size_t size)
{
    if (size < 192)
        return number(size, 1);
    if (size < 8384)
        return number(size - 192 + (192U << 8), 2);
    return join({{255}, number(size, 4)});
}

} // namespace

Octets packet(std::uint8_t tag, const Octets &body)
{
    return join({{static_cast<std::uint8_t>(0xC0 | tag)}, new_length(body.size()), body});
}

Octets old_packet(std::uint8_t tag, const Octets &body)
{
    const unsigned type = body.size() < 0x100 ? 0 : body.size() < 0x10000 ? 1 : 2;
    return join({{static_cast<std::uint8_t>(0x80 | tag << 2 | type)},
                 number(body.size(), std::size_t{1} << type),
                 body});
}

Octets mpi(std::size_t size)
{
    Octets value = filled(size, 0x55);
    value[0] = 0xC1;
    return mpi_of(value);
}

Octets mpi_of(const Octets &value)
{
    std::size_t bits = value.size() * 8;
    for (unsigned octet = value.at(0); octet < 0x80; octet <<= 1)
        bits--;
    return join({number(bits, 2), value});
}

Octets v4_key(std::uint8_t algorithm, const Octets &material, std::uint32_t created)
{
    return join({{4}, number(created, 4), {algorithm}, material});
}

Octets rsa_key(std::size_t modulus_size)
{
    return v4_key(1, join({mpi(modulus_size), mpi_of({1, 0, 1})}));
}

Octets subpacket(std::uint8_t type, const Octets &content)
{
    const std::size_t size = content.size() + 1;
    return join({new_length(size), {type}, content});
}

Octets v4_signature(const Octets &hashed, const Octets &unhashed, std::uint8_t type)
{
    return join({{4, type, 1, 8},
                 number(hashed.size(), 2),
                 hashed,
                 number(unhashed.size(), 2),
                 unhashed,
                 {0xAB, 0xCD},
                 mpi(256)});
}

Answer run_parser(const Octets &input)
{
    Answer answer = make_answer(input.size());
    answer.returned = parse_keys({input.data(), input.size()}, {&answer.summary, 1},
                                 {answer.blocks.data(), answer.blocks.size()},
                                 {answer.packets.data(), answer.packets.size()},
                                 {answer.subpackets.data(), answer.subpackets.size()},
                                 {answer.stream.data(), answer.stream.size()});
    return answer;
}

Outcome<PacketList> parse(const Octets &input)
{
    return check_answer(input, run_parser(input));
}

ErrorCode error_of(const Octets &input)
{
    const auto list = parse(input);
    return list ? ErrorCode::none : list.problem().code;
}

std::string armour(const Octets &octets, std::string_view words)
{
    constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto encode = [&](const Octets &input) {
        std::string text;
        for (std::size_t i = 0; i < input.size(); i += 3) {
            std::uint32_t bits = 0;
            for (std::size_t k = i; k < i + 3; k++)
                bits = bits << 8 | (k < input.size() ? input[k] : 0U);
            for (std::size_t k = 0; k < 4; k++)
                text += i + k > input.size() ? '=' : kDigits[bits >> (18 - 6 * k) & 63];
        }
        return text;
    };
    const std::string digits = encode(octets);
    std::string text = "-----BEGIN PGP " + std::string(words) + "-----\n\n";
    for (std::size_t i = 0; i < digits.size(); i += 64)
        text += digits.substr(i, 64) + "\n";
    std::uint32_t checksum = kCrcStart;
    for (const std::uint8_t octet : octets)
        checksum = crc24(checksum, octet);
    text += "=" + encode(number(checksum, 3)) + "\n";
    return text + "-----END PGP " + std::string(words) + "-----\n";
}

Octets read_file(const std::string &name)
{
    std::ifstream file(name, std::ios::binary);
    EXPECT_TRUE(file) << name;
    return Octets(std::istreambuf_iterator<char>(file), {});
}

std::vector<std::string> debian_rings()
{
    std::vector<std::string> names;
    std::error_code error;
    for (const auto &entry : std::filesystem::directory_iterator("/usr/share/keyrings", error)) {
        const std::string name = entry.path().filename();
        if (name.starts_with("debian-archive-") && name.ends_with(".gpg"))
            names.push_back(entry.path());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::uint64_t Random::next()
{
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1DU;
}

namespace {

void damage_once(Octets &octets, const Octets &other, Random &random)
{
    if (octets.empty())
        octets.push_back(0x99);
    // Half of the faults hit the first packets, where the lengths of keys are.
    const std::size_t range =
        random.below(2) == 0 ? octets.size() : std::min<std::size_t>(octets.size(), 700);
    const std::size_t at = random.below(range);
    const auto position = octets.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t size = 1 + random.below(std::min<std::size_t>(octets.size() - at, 64));
    const auto octet = static_cast<std::uint8_t>(random.next());
    switch (random.below(7)) {
    case 0:
        *position = static_cast<std::uint8_t>(*position ^ 1U << random.below(8));
        break;
    case 1:
        *position = octet;
        break;
    case 2:
        octets.insert(position, size, octet);
        break;
    case 3:
        octets.erase(position, position + static_cast<std::ptrdiff_t>(size));
        break;
    case 4:
        octets.resize(at);
        break;
    case 5: // A length of one, two, four octets that is as large as can be.
        std::fill(position, position + static_cast<std::ptrdiff_t>(std::min<std::size_t>(size, 4)),
                  0xFF);
        break;
    default: {
        const std::size_t from = random.below(other.size());
        const std::size_t most = std::min<std::size_t>(other.size() - from, 2000);
        const auto start = other.begin() + static_cast<std::ptrdiff_t>(from);
        octets.insert(position, start, start + static_cast<std::ptrdiff_t>(1 + random.below(most)));
    }
    }
}

} // namespace

Octets damage(const Octets &input, const Octets &other, Random &random)
{
    Octets octets = input;
    const std::size_t faults = 1 + random.below(4);
    for (std::size_t i = 0; i < faults; i++)
        damage_once(octets, other, random);
    if (octets.empty())
        octets.push_back(0);
    return octets;
}

} // namespace pgp::test
