// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic on sizes and addresses that cannot wrap without being noticed.
#pragma once

#include <cstdint>
#include <optional>

namespace cell {

inline constexpr std::uint64_t kPage = 4096;
inline constexpr std::uint64_t kLargePage = std::uint64_t{2} << 20;

inline std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b)
{
    std::uint64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return std::nullopt;
    return sum;
}

inline std::optional<std::uint64_t> checked_multiply(std::uint64_t a, std::uint64_t b)
{
    std::uint64_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return std::nullopt;
    return product;
}

// `alignment` is a power of two.
constexpr std::uint64_t round_down(std::uint64_t value, std::uint64_t alignment)
{
    return value & ~(alignment - 1);
}

// For values that are known to be far below 2^64; see checked_round_up.
constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

inline std::optional<std::uint64_t> checked_round_up(std::uint64_t value, std::uint64_t alignment)
{
    const auto sum = checked_add(value, alignment - 1);
    if (!sum)
        return std::nullopt;
    return round_down(*sum, alignment);
}

// Does [inner, inner + inner_size) lie in [outer, outer + outer_size)? An empty
// inner range must lie in or at the end of the outer one.
constexpr bool contains(std::uint64_t outer, std::uint64_t outer_size, std::uint64_t inner,
                        std::uint64_t inner_size)
{
    return inner >= outer && inner - outer <= outer_size &&
           inner_size <= outer_size - (inner - outer);
}

} // namespace cell
