// SPDX-License-Identifier: Apache-2.0
//
// The tables behind tolower() and toupper() in glibc's <ctype.h>, which are indexed
// from -128 to 255. The C library's own give 0 for EOF, glibc's give EOF.
#include <array>
#include <cstdint>

namespace {

constexpr int kBefore = 128;
using Table = std::array<std::int32_t, kBefore + 256>;

// A negative index other than EOF is a byte that was passed as a signed char.
constexpr Table make_table(char first, char last, int distance)
{
    Table table{};
    for (int c = -kBefore; c < 256; c++) {
        const bool changes = c >= first && c <= last;
        const int value = c < -1 ? c + 256 : c;
        table[static_cast<unsigned>(c + kBefore)] = changes ? value + distance : value;
    }
    return table;
}

constexpr Table kLower = make_table('A', 'Z', 'a' - 'A');
constexpr Table kUpper = make_table('a', 'z', 'A' - 'a');
const std::int32_t *lower = kLower.data() + kBefore;
const std::int32_t *upper = kUpper.data() + kBefore;

} // namespace

extern "C" const std::int32_t **__ctype_tolower_loc()
{
    return &lower;
}

extern "C" const std::int32_t **__ctype_toupper_loc()
{
    return &upper;
}
