// SPDX-License-Identifier: Apache-2.0
//
// A module for the tests of `sbm call`: parameters and values of every kind, and functions
// that go wrong.
#include <sbm/guest/module.hpp>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>

namespace sample {

struct Point {
    std::int32_t x;
    double y;
};
struct Large {
    std::uint64_t words[4];
};
struct alignas(64) Aligned {
    unsigned char bytes[64];
};

} // namespace sample

using namespace sample;

void show(char a, bool b, std::int8_t c, std::int16_t d, std::uint32_t e, std::int64_t f, float g,
          std::byte h, double i, long double j, Point k, sbm::Out<char> text)
{
    std::snprintf(text.data(), text.size(), "%d %d %d %d %u %lld %g %d %g %Lg %d/%g", a, b, c, d, e,
                  static_cast<long long>(f), static_cast<double>(g), static_cast<int>(h), i, j, k.x,
                  k.y);
}
SBM_EXPORT(show);

Large repeat(std::uint64_t word)
{
    return {{word, word, word, word}};
}
SBM_EXPORT(repeat);

double half(double value)
{
    return value / 2;
}
SBM_EXPORT(half);

std::int32_t negate(std::int32_t value)
{
    return -value;
}
SBM_EXPORT(negate);

bool invert(bool value)
{
    return !value;
}
SBM_EXPORT(invert);

std::uint64_t copy_size(sbm::In<std::uint32_t> from)
{
    std::fprintf(stderr, "asked for a size\n");
    return from.size() * sizeof(std::uint32_t);
}
SBM_EXPORT(copy_size);

std::uint64_t copy(sbm::In<std::uint32_t> from, sbm::Out<std::uint32_t> to, sbm::Out<Point> last)
{
    const std::size_t count = from.size() < to.size() ? from.size() : to.size();
    std::memcpy(to.data(), from.data(), count * sizeof(std::uint32_t));
    *last = {static_cast<std::int32_t>(count), 0.5};
    std::fprintf(stderr, "copied %zu\n", count);
    return count;
}
SBM_EXPORT(copy);

void number(sbm::Out<std::uint32_t> to)
{
    *to = 42;
}
SBM_EXPORT(number);

void turn(sbm::In<std::byte> from, sbm::Out<std::byte> to)
{
    for (std::size_t i = 0; i < from.size() && i < to.size(); i++)
        to[i] = from[from.size() - 1 - i];
}
SBM_EXPORT(turn);

std::uint64_t turn_size(sbm::In<std::byte> from)
{
    return from.size();
}
SBM_EXPORT(turn_size);

void add_one(sbm::InOut<std::uint8_t> bytes)
{
    for (std::uint8_t &byte : bytes)
        byte++;
}
SBM_EXPORT(add_one);

std::uint64_t misaligned(sbm::In<Aligned> in, sbm::Out<Aligned> out)
{
    return (reinterpret_cast<std::uintptr_t>(in.data()) |
            reinterpret_cast<std::uintptr_t>(out.data())) %
           alignof(Aligned);
}
SBM_EXPORT(misaligned);

// Outputs whose size is a lie, and one that is none's business.
void liar(sbm::Out<std::byte>) {}
SBM_EXPORT(liar);
std::uint64_t liar_size()
{
    return std::uint64_t{1} << 40;
}
SBM_EXPORT(liar_size);
void unsized(sbm::Out<std::byte>) {}
SBM_EXPORT(unsized);

void crash()
{
    std::fprintf(stderr, "about to crash\n");
    __asm__ volatile("movl $1, 0x10");
}
SBM_EXPORT(crash);

void loop()
{
    for (;;)
        __asm__ volatile("");
}
SBM_EXPORT(loop);

std::uint64_t take_memory(std::uint64_t bytes)
{
    char *block = new (std::nothrow) char[bytes];
    if (!block)
        return 0;
    std::memset(block, 1, bytes);
    delete[] block;
    return bytes;
}
SBM_EXPORT(take_memory);
