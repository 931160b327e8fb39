// SPDX-License-Identifier: Apache-2.0
#include "floors.hpp"

#include <cstring>
#include <memory>
#include <vector>

namespace bench {
namespace {

constexpr std::size_t kPage = 4096;

__attribute__((noinline)) int nothing(void *)
{
    __asm__ volatile("");
    return 0;
}

struct Copies {
    explicit Copies(std::size_t size) : from(size, 'x'), middle(size), to(size) {}
    std::vector<char> from, middle, to;
};

// The compiler must believe that somebody looks at the copy.
void copy(std::vector<char> &to, const std::vector<char> &from)
{
    std::memcpy(to.data(), from.data(), from.size());
    __asm__ volatile("" : : "r"(to.data()) : "memory");
}

} // namespace

Operation plain_call()
{
    constexpr int kRepeat = 1000;
    return [] {
        int (*volatile function)(void *) = nothing;
        return time_of([&] { function(nullptr); }, kRepeat);
    };
}

Operation two_copies(std::size_t size)
{
    const int repeat = size < kPage ? 100 : 1;
    return [copies = std::make_shared<Copies>(size), repeat] {
        return time_of(
            [&] {
                copy(copies->middle, copies->from);
                copy(copies->to, copies->middle);
            },
            repeat);
    };
}

Operation copy_of_pages(std::size_t pages)
{
    const int repeat = pages < 16 ? 100 : 1;
    return [copies = std::make_shared<Copies>(pages * kPage), repeat] {
        return time_of([&] { copy(copies->to, copies->from); }, repeat);
    };
}

Operation both(Operation first, Operation second)
{
    if (!first || !second)
        return {};
    return [first = std::move(first), second = std::move(second)] {
        const double a = first(), b = second();
        return a < 0 || b < 0 ? -1 : a + b;
    };
}

} // namespace bench
