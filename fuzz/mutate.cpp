// SPDX-License-Identifier: Apache-2.0
//
// One to four random changes to an input. See mutate.hpp.
#include "mutate.hpp"

#include <algorithm>
#include <cstddef>

namespace fuzz {
namespace {

// FNV-1a over the octets, then xorshift64*.
class Random {
public:
    Random(const Octets &octets, std::uint32_t number)
    {
        for (const std::uint8_t octet : octets)
            state_ = (state_ ^ octet) * 0x100000001b3U;
        state_ = (state_ ^ number) * 0x100000001b3U | 1;
        for (int i = 0; i < 4; i++) // neighbouring numbers begin alike
            next();
    }

    std::uint64_t next()
    {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545f4914f6cdd1dU;
    }

    // Below `limit`, which is not zero. The high bits are the better ones.
    std::size_t below(std::size_t limit) { return (next() >> 32) % limit; }

private:
    std::uint64_t state_ = 0xcbf29ce484222325U;
};

// Numbers on which lengths, counts and indexes go wrong.
constexpr std::uint64_t kEdges[] = {0,          1,          2,           7,          8,
                                    0x7f,       0x80,       0xff,        0x100,      0x7fff,
                                    0x8000,     0xffff,     0x10000,     0xffffff,   0x7fffffff,
                                    0x80000000, 0xffffffff, 0x100000000, UINT64_MAX, INT64_MAX};

// Overwrites 1, 2, 4 or 8 octets by a number, or adds a small one to what they are.
void change_number(Octets &octets, Random &random)
{
    const std::size_t size =
        std::min<std::size_t>(std::size_t{1} << random.below(4), octets.size());
    const std::size_t at = random.below(octets.size() - size + 1);
    const bool big = random.below(2) == 0;
    const auto octet = [&](std::size_t i) -> std::uint8_t & {
        return octets[at + (big ? i : size - 1 - i)];
    };
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; i++)
        value = value << 8 | octet(i);
    value = random.below(2) == 0 ? kEdges[random.below(std::size(kEdges))]
                                 : value + random.below(33) - 16;
    for (std::size_t i = size; i-- > 0; value >>= 8)
        octet(i) = static_cast<std::uint8_t>(value);
}

void change_once(Octets &octets, Random &random)
{
    if (octets.empty())
        octets.push_back(static_cast<std::uint8_t>(random.below(256)));
    const std::size_t at = random.below(octets.size());
    const std::size_t size = 1 + random.below(std::min<std::size_t>(octets.size() - at, 32));
    const auto position = octets.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = position + static_cast<std::ptrdiff_t>(size);
    switch (random.below(8)) {
    case 0:
    case 1:
        *position = static_cast<std::uint8_t>(*position ^ 1U << random.below(8));
        break;
    case 2:
        *position = static_cast<std::uint8_t>(random.below(256));
        break;
    case 3:
    case 4:
        change_number(octets, random);
        break;
    case 5:
        octets.insert(position, size, static_cast<std::uint8_t>(random.below(256)));
        break;
    case 6: { // a piece a second time, somewhere
        const Octets piece(position, end);
        const auto to = static_cast<std::ptrdiff_t>(random.below(octets.size() + 1));
        octets.insert(octets.begin() + to, piece.begin(), piece.end());
        break;
    }
    default:
        octets.erase(position, random.below(8) == 0 ? octets.end() : end);
    }
}

} // namespace

Octets mutate(const Octets &original, std::uint32_t number)
{
    Octets octets = original;
    if (number == 0)
        return octets;
    Random random(original, number);
    for (std::size_t changes = 1 + random.below(4); changes > 0; changes--)
        change_once(octets, random);
    return octets;
}

} // namespace fuzz
