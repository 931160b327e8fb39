// SPDX-License-Identifier: Apache-2.0
//
// A checksum that finds damage by accident, and no forgery.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace cell {

// FNV-1a by words of eight bytes.
class Checksum {
public:
    void add(const void *data, std::size_t size)
    {
        const auto *bytes = static_cast<const unsigned char *>(data);
        for (; size >= sizeof(std::uint64_t); size -= sizeof(std::uint64_t)) {
            std::uint64_t word;
            std::memcpy(&word, bytes, sizeof word);
            add_word(word);
            bytes += sizeof word;
        }
        for (; size > 0; size--)
            add_word(*bytes++);
    }
    std::uint64_t value() const { return value_; }

private:
    void add_word(std::uint64_t word) { value_ = (value_ ^ word) * 0x100000001b3U; }
    std::uint64_t value_ = 0xcbf29ce484222325U;
};

inline std::uint64_t checksum_of(std::span<const std::byte> bytes)
{
    Checksum sum;
    sum.add(bytes.data(), bytes.size());
    return sum.value();
}

} // namespace cell
