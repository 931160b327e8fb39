// SPDX-License-Identifier: Apache-2.0
//
// Functions as a program may hand them to a cell, linked with the runtime alone:
// the test of what C and C++ code finds in a cell.
#include <cctype>
#include <cerrno>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

struct Shape {
    virtual ~Shape() = default;
    virtual int sides() const = 0;
};
struct Named {
    virtual ~Named() = default;
    std::string name = "a shape with a name that is longer than the short string buffer";
};
struct Square : Shape, Named {
    int sides() const override { return 4; }
};
struct Circle : Shape {
    int sides() const override { return 0; }
};

thread_local int thread_number = 17;
int counter;

} // namespace

extern "C" {

// A program's start files define it; there are none here.
__attribute__((visibility("hidden"))) void *__dso_handle = nullptr;

int sample_containers(int count)
{
    std::map<std::string, int> tree;
    std::unordered_map<std::string, int> table;
    std::list<int> list;
    std::set<int> set;
    for (int i = 0; i < count; i++) {
        const std::string key = "a key that does not fit into the object " + std::to_string(i);
        tree[key] = i;
        table.emplace(key, i);
        list.push_front(count - i);
        set.insert(i % 7);
    }
    list.sort();
    tree.erase(tree.begin());
    int sum = 0;
    for (const auto &[key, value] : tree)
        sum += table.at(key) == value && key.find("object") != std::string::npos;
    return list.front() == 1 && set.size() == 7 ? sum : -1;
}

int sample_polymorphism()
{
    const std::vector<std::shared_ptr<Shape>> shapes = {std::make_shared<Square>(),
                                                        std::make_shared<Circle>()};
    int result = 0;
    for (const auto &shape : shapes) {
        result = result * 10 + shape->sides();
        if (auto *named = dynamic_cast<Named *>(shape.get()))
            result += static_cast<int>(named->name.size());
    }
    const std::function<int(int)> twice = [result](int x) { return 2 * x + result; };
    return twice(1);
}

int sample_number(const char *text)
{
    return std::stoi(text) + static_cast<int>(std::stod("0.5e1"));
}

void sample_throw_runtime_error()
{
    throw std::runtime_error("the input is bad");
}
void sample_throw_derived()
{
    struct Local : Named, std::out_of_range {
        Local() : std::out_of_range(std::string("beyond the end")) {}
    };
    throw Local();
}
void sample_throw_int()
{
    throw 42;
}
void sample_vector_at()
{
    std::vector<int> values(3);
    values.at(5) = 1;
}
void sample_cast_reference()
{
    Circle circle;
    Shape &shape = circle;
    dynamic_cast<Named &>(shape).name = "never";
}

int sample_static_local()
{
    static const std::string text("initialised " + std::to_string(++counter));
    return counter * 100 + static_cast<int>(text.size());
}

int sample_nothrow_new()
{
    return new (std::nothrow) char[std::size_t{1} << 40] == nullptr;
}

int sample_setjmp()
{
    std::jmp_buf buffer;
    volatile int round = 0;
    const int value = setjmp(buffer);
    round = round + 1;
    if (round < 4)
        std::longjmp(buffer, value + 10);
    return value;
}

int sample_character_classes(const char *text)
{
    int count = 0;
    for (; *text != '\0'; text++)
        count += std::isalpha(static_cast<unsigned char>(*text)) != 0;
    return count;
}

int *sample_thread_local()
{
    return &thread_number;
}

} // extern "C"
