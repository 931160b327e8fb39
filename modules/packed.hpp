// SPDX-License-Identifier: Apache-2.0
//
// In the host: fetches a packed result (packed_types.hpp) and reads it with checks.
#pragma once

#include "modules/packed_types.hpp"

#include <sbm/sandbox.hpp>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace sbm::modules {

// The whole result, in parts of a size that buffers in cells keep.
inline Result<std::vector<std::byte>>
take_packed(Sandbox &sandbox, const Function<TakePacked> &take, std::uint64_t size)
{
    constexpr std::uint64_t kPart = std::uint64_t{1} << 20;
    std::vector<std::byte> all;
    all.reserve(size);
    while (all.size() < size) {
        Untrusted<std::vector<std::byte>> part(
            std::vector<std::byte>(std::min<std::uint64_t>(kPart, size - all.size())));
        auto taken = sandbox.call(take, std::uint64_t{all.size()}, part);
        if (!taken)
            return taken.error();
        if (!taken->verify([](int status) { return status == 0; }))
            return Error(Errc::fault, "the cell does not give the result that it told of");
        const auto &bytes = part.trusted_because("Unpacker checks it");
        all.insert(all.end(), bytes.begin(), bytes.end());
    }
    return all;
}

// Reads a result from its beginning to its end. After the first failure everything reads
// as zero or empty, so that it is enough to ask at the end, and in each loop.
class Unpacker {
public:
    // `allowed`: how many bytes the program may have at the end, see `spend`.
    Unpacker(std::span<const std::byte> bytes, std::uint64_t allowed)
        : rest_(bytes), allowed_(allowed)
    {
    }

    bool failed() const { return malformed_ || exceeded_; }
    // Why it failed, or what was left over.
    Error error() const
    {
        return exceeded_ ? Error(Errc::no_memory, "the result is larger than the limits allow")
                         : Error(Errc::fault, "the cell gives a malformed result");
    }
    bool at_end() const { return !failed() && rest_.empty(); }

    std::uint8_t byte() { return value<std::uint8_t>(); }
    std::uint32_t number() { return value<std::uint32_t>(); }
    std::uint64_t long_number() { return value<std::uint64_t>(); }
    std::string text()
    {
        const std::size_t size = number();
        if (size > rest_.size())
            malformed_ = true;
        spend(1, size);
        if (failed())
            return {};
        return {reinterpret_cast<const char *>(take(size).data()), size};
    }

    // The number of things that follow, each of `least` bytes at least and of `memory`
    // bytes in the program.
    std::uint32_t count(std::size_t least, std::size_t memory)
    {
        const std::uint32_t told = number();
        if (told > rest_.size() / least)
            malformed_ = true;
        spend(told, memory);
        return failed() ? 0 : told;
    }

    // The program takes so much memory for what it has read.
    void spend(std::uint64_t things, std::uint64_t memory)
    {
        if (memory != 0 && things > allowed_ / memory)
            exceeded_ = true;
        else
            allowed_ -= things * memory;
    }
    void fail() { malformed_ = true; }

private:
    template <class T> T value()
    {
        T result{};
        if (sizeof result > rest_.size())
            malformed_ = true;
        if (!failed())
            std::memcpy(&result, take(sizeof result).data(), sizeof result);
        return result;
    }
    std::span<const std::byte> take(std::size_t size)
    {
        const auto taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return taken;
    }

    std::span<const std::byte> rest_;
    std::uint64_t allowed_;
    bool malformed_ = false;
    bool exceeded_ = false;
};

} // namespace sbm::modules
