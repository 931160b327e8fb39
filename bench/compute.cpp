// SPDX-License-Identifier: Apache-2.0
#include "compute.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>

namespace bench {
namespace {

constexpr std::size_t kSide = 200; // of a matrix
using Matrix = std::array<double, kSide * kSide>;

struct Work {
    std::array<std::uint32_t, 256> table;
    std::array<unsigned char, sizeof(Matrix)> bytes;
    Matrix a, b, product;
};

std::uint32_t next(std::uint32_t random)
{
    return random * 1664525 + 1013904223; // Numerical Recipes, 7.1
}

void fill(Work &work, std::uint32_t random)
{
    for (std::uint32_t i = 0; i < work.table.size(); i++) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
        work.table[i] = value;
    }
    for (std::size_t i = 0; i < work.a.size(); i++) {
        work.a[i] = static_cast<double>((random = next(random)) >> 8);
        work.b[i] = static_cast<double>((random = next(random)) >> 8);
    }
}

void multiply(Work &work)
{
    work.product.fill(0);
    for (std::size_t row = 0; row < kSide; row++)
        for (std::size_t i = 0; i < kSide; i++)
            for (std::size_t column = 0; column < kSide; column++)
                work.product[row * kSide + column] +=
                    work.a[row * kSide + i] * work.b[i * kSide + column];
}

std::uint32_t checksum(const Work &work)
{
    std::uint32_t value = ~0U;
    for (const unsigned char byte : work.bytes)
        value = work.table[(value ^ byte) & 0xff] ^ value >> 8;
    return ~value;
}

} // namespace

std::uint64_t compute(std::uint32_t seed)
{
    constexpr int kRounds = 5;
    const auto work = std::make_unique<Work>();
    fill(*work, seed);
    std::uint64_t result = 0;
    for (int i = 0; i < kRounds; i++) {
        multiply(*work);
        std::memcpy(work->bytes.data(), work->product.data(), sizeof(Matrix));
        result = result << 7 ^ checksum(*work);
        work->a[0] += 1;
    }
    return result;
}

} // namespace bench
