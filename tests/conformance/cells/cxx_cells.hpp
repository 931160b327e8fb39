// SPDX-License-Identifier: Apache-2.0
//
// The functions that the suite of the C++ interface runs in cells: of its program, and of
// a module.
#pragma once

#include <sbm/views.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace cells {

using sbm::In;
using sbm::InOut;
using sbm::Out;

inline int answer()
{
    return 42;
}
[[gnu::no_sanitize("undefined")]] inline int divide(int by)
{
    return 10 / by;
} // zero is meant
inline int element(In<int> values, std::ptrdiff_t index)
{
    return *(values.data() + index);
}
inline void write_element(Out<int> values, std::ptrdiff_t index)
{
    *(values.data() + index) = 1;
}
inline int counter = 5;
inline int count()
{
    return ++counter;
}
inline void spin()
{
    volatile bool forever = true;
    while (forever) {
    }
}
inline int take_all()
{
    int blocks = 0;
    while (void *block = std::malloc(100'000)) {
        *static_cast<volatile char *>(block) = 1;
        blocks++;
    }
    return blocks;
}
inline int recurse_through(int depth, volatile char *above)
{
    volatile char frame[512];
    frame[0] = above[0];
    return depth == 0 ? frame[0] : recurse_through(depth - 1, frame) + frame[0];
}
inline int recurse(int depth)
{
    volatile char top[1] = {0};
    return recurse_through(depth, top);
}

struct Point {
    int x, y;
    bool operator==(const Point &) const = default;
};
struct Table {
    std::array<double, 40> values;
    int count;
};
struct alignas(64) Line {
    int first;
    char rest[60];
};
enum class Colour : std::uint8_t { red, green };

inline int sum(In<int> values)
{
    int total = 0;
    for (const int value : values)
        total += value;
    return total;
}
inline long length(In<char> text)
{
    return static_cast<long>(text.size());
}
inline char last(In<char> text)
{
    return text.empty() ? '\0' : text[text.size() - 1];
}
inline Point mirror(In<Point> point)
{
    return {point->y, (*point).x};
}
inline Table squares(int count)
{
    Table table{};
    for (int i = 0; i < count; i++)
        table.values[static_cast<std::size_t>(i)] = i * i;
    table.count = count;
    return table;
}
inline void fill(Out<int> values, int value)
{
    for (int &element : values)
        element = value;
}
inline void fill_first(Out<int> values, int value)
{
    values[0] = value;
}
inline void add(InOut<int> values, int value)
{
    for (int &element : values)
        element += value;
}
inline bool is_even(std::uint64_t value)
{
    return value % 2 == 0;
}
inline double half(float value)
{
    return double{value} / 2;
}
inline Colour other(Colour colour)
{
    return colour == Colour::red ? Colour::green : Colour::red;
}
inline signed char negate(signed char value)
{
    return static_cast<signed char>(-value);
}
inline std::uint64_t all_ones()
{
    return UINT64_MAX;
}
inline void nothing() {}
inline std::uintptr_t address_of_line(In<Line> line)
{
    return reinterpret_cast<std::uintptr_t>(line.data());
}
inline int set_line(Out<Line> line)
{
    line->first = 3;
    return static_cast<int>(reinterpret_cast<std::uintptr_t>(line.data()) % alignof(Line));
}
inline int mix(char a, In<int> b, double c, Out<int> d, Point e, InOut<int> f, long g)
{
    d[0] = b[0] + 1;
    f[0] += b[0];
    return a + static_cast<int>(c) + e.x + e.y + static_cast<int>(g);
}
inline int add_nine(In<int> a, In<int> b, In<int> c, In<int> d, In<int> e, In<int> f, In<int> g,
                    In<int> h, In<int> i, Out<int> j)
{
    *j = *a + *b + *c + *d + *e + *f + *g + *h + *i;
    return 0;
}

} // namespace cells
