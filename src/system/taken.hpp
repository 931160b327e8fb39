// SPDX-License-Identifier: Apache-2.0
//
// The arguments of a call as the host takes them out of a frame: checked, and copied once.
#pragma once

#include "os/memory.hpp"
#include "system/system.hpp"

#include <algorithm>
#include <cstring>

namespace cell::system {

// What a single call may read or fill.
inline constexpr std::uint64_t kLongestRange = std::uint64_t{1} << 20;
// Of a text or of bytes, in a trace.
inline constexpr std::size_t kShown = 256;

template <class Type> struct Taken;

template <> struct Taken<sbm::calls::Number> {
    static constexpr std::size_t words = sbm::calls::Number::words;
    std::uint64_t value = 0;

    sbm::calls::Status take(System &, const std::uint64_t *from)
    {
        value = *from;
        return sbm::calls::Status::ok;
    }
    std::uint64_t get() const { return value; }
    static constexpr bool is_number = true;
    std::string text() const { return std::to_string(value); }
};

template <sbm::calls::Kind K, sbm::calls::Right R> struct Taken<sbm::calls::Handle<K, R>> {
    static constexpr std::size_t words = sbm::calls::Handle<K, R>::words;
    std::uint64_t number = 0;
    System::OpenHandle *found = nullptr;

    sbm::calls::Status take(System &system, const std::uint64_t *from)
    {
        number = *from;
        if (system.is_played())
            return sbm::calls::Status::ok;
        return system.find_handle(number, K, R, found);
    }
    System::OpenHandle &get() const { return *found; }
    static constexpr bool is_number = true;
    std::string text() const { return std::to_string(number); }
};

// What both kinds of range have in common.
struct TakenRange {
    static constexpr std::size_t words = 3;
    static constexpr bool is_number = false;
    sbm::calls::Range range{};
    std::span<std::byte> cell; // the bytes, which the app can change at any time

    sbm::calls::Status find(const Regions &regions, const std::uint64_t *from,
                            sbm::calls::Element element)
    {
        range = {from[0], from[1], from[2]};
        if (const auto status = regions.find(range, element, cell);
            status != sbm::calls::Status::ok)
            return status;
        if (cell.size() > kLongestRange)
            return sbm::calls::Status::invalid;
        return sbm::calls::Status::ok;
    }
    std::string text() const
    {
        return std::to_string(range.region) + "[" + std::to_string(range.offset) + ", " +
               std::to_string(range.count) + "]";
    }
};

template <sbm::calls::Element E> struct Taken<sbm::calls::Input<E>> : TakenRange {
    std::string copy;

    sbm::calls::Status take(System &system, const std::uint64_t *from)
    {
        const auto status = find(*system.regions_, from, E);
        if (status == sbm::calls::Status::ok)
            copy.assign(reinterpret_cast<const char *>(cell.data()), cell.size());
        return status;
    }
    std::string_view get() const { return copy; }
};

template <> struct Taken<sbm::calls::Payload> : TakenRange {
    sbm::calls::Status take(System &system, const std::uint64_t *from)
    {
        return find(*system.regions_, from, sbm::calls::Payload::element);
    }
    std::span<const std::byte> get() const { return cell; }
    // For people, and perhaps not what was passed on.
    std::string beginning() const
    {
        return {reinterpret_cast<const char *>(cell.data()), std::min(cell.size(), kShown)};
    }
};

template <sbm::calls::Element E> struct Taken<sbm::calls::Output<E>> : TakenRange {
    Room room;

    sbm::calls::Status take(System &system, const std::uint64_t *from)
    {
        const auto status = find(*system.regions_, from, E);
        if (status == sbm::calls::Status::ok)
            os::map_around(cell);
        room.bytes = cell;
        return status;
    }
    Room &get() { return room; }
};

} // namespace cell::system
