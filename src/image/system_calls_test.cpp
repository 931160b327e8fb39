// SPDX-License-Identifier: Apache-2.0
#include "image/system_calls.hpp"

#include "abi/system_calls.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using cell::image::find_system_calls;
using cell::image::FoundSystemCalls;

FoundSystemCalls found_in(const std::vector<unsigned char> &code)
{
    return find_system_calls(std::as_bytes(std::span(code)));
}

using Numbers = std::set<std::uint64_t>;

TEST(SystemCalls, EveryWayToLoadANumberIsSeen)
{
    const FoundSystemCalls found = found_in({
        0xb8, 1,    0,    0,    0,    0x0f, 0x05,             // mov $1, %eax
        0x48, 0xc7, 0xc0, 0xe7, 0,    0,    0,    0x0f, 0x05, // mov $231, %rax
        0x31, 0xc0, 0x48, 0x89, 0xf2, 0x0f, 0x05,             // xor %eax, %eax; mov %rsi, %rdx
        0xb8, 9,    0,    0,    0,    0xba, 3,    0,    0,
        0,    0x0f, 0x05, // mov $9, %eax; mov $3, %edx
    });
    EXPECT_EQ(found.numbers, (Numbers{0, 1, 9, 231}));
    EXPECT_EQ(found.unknown, 0U);
}

TEST(SystemCalls, TheNearestNumberCounts)
{
    const FoundSystemCalls found =
        found_in({0xb8, 1, 0, 0, 0, 0xb8, 2, 0, 0, 0, 0x0f, 0x05, 0xb8, 3, 0, 0, 0});
    EXPECT_EQ(found.numbers, Numbers{2});
}

// Which take the same bytes after a prefix, as every fifth argument does.
TEST(SystemCalls, NumbersInOtherRegistersAreNone)
{
    const FoundSystemCalls found = found_in({
        0xb8, 9,    0,    0,    0,             // mov $9, %eax
        0x41, 0xb8, 2,    0,    0,    0,       // mov $2, %r8d
        0x49, 0xc7, 0xc0, 3,    0,    0,    0, // mov $3, %r8
        0x45, 0x31, 0xc0, 0x41, 0x89, 0xc0,    // xor %r8d, %r8d; mov %eax, %r8d
        0x0f, 0x05,
    });
    EXPECT_EQ(found.numbers, Numbers{9});
    EXPECT_EQ(found_in({0xb8, 9, 0, 0, 0, 0x44, 0x31, 0xc0, 0x0f, 0x05}).unknown, 1U);
}

TEST(SystemCalls, NumbersFromElsewhereAreUnknown)
{
    // mov $1, %eax; mov %edi, %eax; syscall; and one without anything before.
    EXPECT_EQ(found_in({0xb8, 1, 0, 0, 0, 0x89, 0xf8, 0x0f, 0x05}).unknown, 1U);
    EXPECT_EQ(found_in({0x0f, 0x05}).unknown, 1U);
    EXPECT_EQ(found_in({0xb8, 1, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x05}).unknown, 1U);
    std::vector<unsigned char> far(200, 0x90);
    far[0] = 0xb8, far[1] = 1, far[2] = far[3] = far[4] = 0, far[198] = 0x0f, far[199] = 0x05;
    EXPECT_EQ(found_in(far).unknown, 1U);
}

TEST(SystemCalls, PiecesOfInstructionsAreNone)
{
    for (const auto &code : std::vector<std::vector<unsigned char>>{
             {}, {0x0f}, {0xb8, 1, 0, 0, 0, 0x0f}, {0x05, 0x0f}}) {
        EXPECT_TRUE(found_in(code).numbers.empty());
        EXPECT_EQ(found_in(code).unknown, 0U);
    }
    EXPECT_EQ(found_in({0xb8, 1, 0x0f, 0x05}).unknown, 1U); // its number would be the `syscall`
}

TEST(SystemCalls, HaveNames)
{
    EXPECT_STREQ(sbm_system_call_name(0), "read");
    EXPECT_STREQ(sbm_system_call_name(39), "getpid");
    EXPECT_STREQ(sbm_system_call_name(1000), "?");
}

} // namespace
