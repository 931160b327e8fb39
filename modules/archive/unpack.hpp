// SPDX-License-Identifier: Apache-2.0
//
// In the host: entries from the bytes that the cell gave, which may be any bytes.
#pragma once

#include "modules/archive/calls.hpp"
#include "modules/packed.hpp"

#include <sbm/modules/archive.hpp>

namespace sbm::archive {

// The least that an entry takes when packed: kind, permissions, two flags, two sizes.
inline constexpr std::uint64_t kLeastEntry = 1 + 4 + 1 + 1 + 4 + 4;

static_assert(static_cast<int>(Kind::other) == static_cast<int>(calls::Kind::other));

inline std::optional<Time> unpack_time(modules::Unpacker &from)
{
    constexpr std::uint32_t kSecond = 1'000'000'000;
    if (from.byte() == 0)
        return std::nullopt;
    const auto seconds = static_cast<std::int64_t>(from.long_number());
    const std::uint32_t nanoseconds = from.number();
    if (nanoseconds >= kSecond)
        from.fail();
    return Time{seconds, nanoseconds};
}

inline Entry unpack_entry(modules::Unpacker &from)
{
    constexpr std::uint32_t kPermissions = 07777;
    Entry entry;
    entry.kind = static_cast<Kind>(from.byte());
    entry.permissions = from.number();
    if (entry.kind > Kind::other || entry.permissions > kPermissions)
        from.fail();
    if (from.byte() != 0)
        entry.size = from.long_number();
    entry.modified = unpack_time(from);
    entry.path = from.text();
    entry.target = from.text();
    return entry;
}

inline Result<std::vector<Entry>> unpack(std::span<const std::byte> packed, std::uint64_t count,
                                         std::uint64_t allowed)
{
    modules::Unpacker from(packed, allowed);
    if (count > packed.size() / kLeastEntry)
        from.fail();
    from.spend(count, sizeof(Entry));
    std::vector<Entry> entries;
    if (!from.failed())
        entries.reserve(count);
    for (std::uint64_t i = 0; i < count && !from.failed(); i++)
        entries.push_back(unpack_entry(from));
    if (!from.at_end())
        return from.error();
    return entries;
}

} // namespace sbm::archive
