// SPDX-License-Identifier: Apache-2.0
//
// In-place functions in C++: the language.
#include "in_place.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

namespace {

int dynamic_value()
{
    return static_cast<int>(std::string("four").size());
}

int constructed_at_start = dynamic_value();
std::array<int, 3> constants = {1, 2, 3};
thread_local int plain_in_thread = 21;

struct Counter {
    int value = 30;
    Counter() { value += 1; }
    ~Counter() { value = 0; }
};
thread_local Counter counted_in_thread;

class Shape {
public:
    virtual ~Shape() = default;
    virtual int area() const = 0;
    virtual int corners() const { return 0; }
};
class Square : public virtual Shape {
public:
    explicit Square(int side) : side_(side) {}
    int area() const override { return side_ * side_; }
    int corners() const override { return 4; }

private:
    int side_;
};
class Dot : public virtual Shape {
public:
    int area() const override { return 0; }
};
class Mark : public Dot, public Square {
public:
    Mark() : Square(2) {}
    int area() const override { return 1; }
    int corners() const override { return 9; }
};

template <class T> T largest(std::span<const T> values)
{
    return *std::max_element(values.begin(), values.end());
}
template <int N> constexpr int factorial = N *factorial<N - 1>;
template <> constexpr int factorial<0> = 1;
template <class... T> auto sum_of(T... values)
{
    return (values + ...);
}

} // namespace

extern "C" {

void disturb_variables_of_cxx()
{
    constants = {9, 9, 9};
    constructed_at_start = 9;
    plain_in_thread = 9;
    counted_in_thread.value = 9;
}

int cxx_views()
{
    const std::array<int, 4> values = {4, 8, 1, 2};
    const std::span<const int> all(values);
    CHECK(all.subspan(1).size() == 3 && all.last(2)[0] == 1);
    const std::string_view text = "key=value";
    const auto at = text.find('=');
    CHECK(text.substr(0, at) == "key" && text.substr(at + 1).ends_with("lue"));
    return 0;
}
SBM_DEFINE_THUNK(cxx_views);

int cxx_templates()
{
    const std::array<double, 3> values = {1.5, -2, 0.5};
    CHECK(largest<double>(values) == 1.5);
    CHECK(factorial<5> == 120 && sum_of(1, 2L, 3U) == 6);
    return 0;
}
SBM_DEFINE_THUNK(cxx_templates);

int cxx_virtual_calls()
{
    std::vector<std::unique_ptr<Shape>> shapes;
    shapes.push_back(std::make_unique<Square>(3));
    shapes.push_back(std::make_unique<Dot>());
    int area = 0, corners = 0;
    for (const auto &shape : shapes) {
        area += shape->area();
        corners += shape->corners();
    }
    CHECK(area == 9 && corners == 4);
    int (Shape::*const member)() const = &Shape::corners;
    CHECK(((*shapes[0]).*member)() == 4);
    return 0;
}
SBM_DEFINE_THUNK(cxx_virtual_calls);

int cxx_casts()
{
    const std::unique_ptr<Shape> shape = std::make_unique<Square>(1);
    CHECK(dynamic_cast<Square *>(shape.get()) && !dynamic_cast<Dot *>(shape.get()));
    const Mark mark;
    const Dot &dot = mark;
    CHECK(dynamic_cast<const Square *>(&dot) && dot.area() == 1 && dot.corners() == 9);
    CHECK(typeid(*shape) == typeid(Square) && typeid(dot) == typeid(Mark));
    return 0;
}
SBM_DEFINE_THUNK(cxx_casts);

int cxx_static_locals()
{
    static const std::string text(60, 't');
    static Counter counter;
    CHECK(text.size() == 60 && text[59] == 't' && counter.value == 31);
    return 0;
}
SBM_DEFINE_THUNK(cxx_static_locals);

int cxx_thread_local()
{
    CHECK(plain_in_thread == 21);
    CHECK(counted_in_thread.value == 31);
    return 0;
}
SBM_DEFINE_THUNK(cxx_thread_local);

// In a cell, a global that needs code to be made is still zero; in the program it
// is not. Constants and what the compiler initialises are alike in both.
int cxx_globals()
{
    CHECK(constants[0] == 1 && constants[2] == 3);
    CHECK(constructed_at_start == 0 || constructed_at_start == 4);
    return 0;
}
SBM_DEFINE_THUNK(cxx_globals);

} // extern "C"
