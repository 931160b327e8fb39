// SPDX-License-Identifier: Apache-2.0
#include "image/system_calls.hpp"

#include <cstring>
#include <optional>

namespace cell::image {
namespace {

// How far before a `syscall` its number is looked for. Compilers load the arguments in
// between, of which there are six at most.
constexpr std::size_t kReach = 48;
constexpr std::uint32_t kHighest = 1024; // more than Linux has

class Code {
public:
    explicit Code(std::span<const std::byte> bytes) : bytes_(bytes) {}

    bool is(std::size_t at, unsigned first, unsigned second) const
    {
        return byte(at) == first && byte(at + 1) == second;
    }

    // The number that the instruction at `at`, which ends before `end`, puts into EAX: empty
    // if there is none, kHighest if it puts there what cannot be seen.
    std::optional<std::uint32_t> number_at(std::size_t at, std::size_t end) const
    {
        // The prefixes by which these mean R8 and not EAX.
        const unsigned prefix = at == 0 || (byte(at - 1) & 0xf0) != 0x40 ? 0 : byte(at - 1);
        if (prefix & 1)
            return std::nullopt;
        if (byte(at) == 0xb8 && at + 5 <= end) // mov $number, %eax
            return plausible(word(at + 1));
        if (is(at, 0xc7, 0xc0) && at + 6 <= end) // mov $number, %rax; the same without prefix
            return plausible(word(at + 2));
        if (at + 2 > end)
            return std::nullopt;
        if (is(at, 0x31, 0xc0)) // xor %eax, %eax; or with R8
            return prefix & 4 ? kHighest : 0;
        if (byte(at) == 0x89 && (byte(at + 1) & 0xc7) == 0xc0) // mov register, %eax
            return kHighest;
        return std::nullopt;
    }

private:
    unsigned byte(std::size_t at) const
    {
        return at < bytes_.size() ? static_cast<unsigned>(bytes_[at]) : 0;
    }
    std::uint32_t word(std::size_t at) const
    {
        std::uint32_t value;
        std::memcpy(&value, bytes_.data() + at, sizeof value);
        return value;
    }
    static std::optional<std::uint32_t> plausible(std::uint32_t number)
    {
        return number < kHighest ? std::optional(number) : std::nullopt;
    }

    std::span<const std::byte> bytes_;
};

} // namespace

FoundSystemCalls find_system_calls(std::span<const std::byte> code)
{
    const Code instructions(code);
    FoundSystemCalls found;
    std::size_t start = 0; // where the instruction before it ended
    for (std::size_t at = 0; at + 2 <= code.size(); at++) {
        if (!instructions.is(at, 0x0f, 0x05))
            continue;
        std::optional<std::uint32_t> number;
        for (std::size_t back = 1; !number && back <= kReach && back <= at - start; back++)
            number = instructions.number_at(at - back, at);
        if (number && *number < kHighest)
            found.numbers.insert(*number);
        else
            found.unknown++;
        start = at + 2;
    }
    return found;
}

} // namespace cell::image
