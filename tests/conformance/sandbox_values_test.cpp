// SPDX-License-Identifier: Apache-2.0
//
// The C++ interface: what can be passed, what comes back, and how it is checked.
#include "sandbox_at_level.hpp"

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using conformance::SandboxAtLevel;
using kinds::Sandbox;
using sbm::Untrusted;

namespace {

using namespace cells;

class CxxValues : public SandboxAtLevel {};
AT_EVERY_TARGET(CxxValues);

template <class T> T open(const Untrusted<T> &value)
{
    return value.trusted_because("a test");
}
template <class T> T open(const sbm::Result<Untrusted<T>> &result)
{
    EXPECT_TRUE(result) << result.error().text();
    return result ? open(*result) : T{};
}

TEST_P(CxxValues, InTakesEveryContiguousRange)
{
    Sandbox sandbox = make();
    const std::vector<int> vector = {1, 2, 3};
    std::array<int, 2> array = {4, 5};
    const int plain[] = {6, 7};
    EXPECT_EQ(open(KINDS_CALL(sandbox, sum, vector)), 6);
    EXPECT_EQ(open(KINDS_CALL(sandbox, sum, array)), 9);
    EXPECT_EQ(open(KINDS_CALL(sandbox, sum, plain)), 13);
    EXPECT_EQ(open(KINDS_CALL(sandbox, sum, std::span(vector).subspan(1))), 5);
    EXPECT_EQ(open(KINDS_CALL(sandbox, sum, 8)), 8);
    EXPECT_EQ(open(KINDS_CALL(sandbox, sum, std::vector<int>{})), 0);
    EXPECT_EQ(open(KINDS_CALL(sandbox, sum, std::vector<int>(5000, 2))), 10000);
}

TEST_P(CxxValues, InTakesText)
{
    Sandbox sandbox = make();
    EXPECT_EQ(open(KINDS_CALL(sandbox, length, "four")), 4) << "without the closing zero";
    EXPECT_EQ(open(KINDS_CALL(sandbox, length, std::string("five!"))), 5);
    EXPECT_EQ(open(KINDS_CALL(sandbox, length, std::string_view("six"))), 3);
    EXPECT_EQ(open(KINDS_CALL(sandbox, length, "")), 0);
    const char unclosed[] = {'a', 'b', 'c'};
    EXPECT_EQ(open(KINDS_CALL(sandbox, last, unclosed)), 'c');
    char buffer[8] = "ab"; // a buffer, not a text: all of it
    EXPECT_EQ(open(KINDS_CALL(sandbox, length, buffer)), 8);
}

TEST_P(CxxValues, StructuresOfEverySize)
{
    Sandbox sandbox = make();
    EXPECT_EQ(open(KINDS_CALL(sandbox, mirror, Point{1, 2})), (Point{2, 1}));
    const Table table = open(KINDS_CALL(sandbox, squares, 7));
    EXPECT_EQ(table.count, 7);
    EXPECT_EQ(table.values[6], 36);
    EXPECT_EQ(table.values[7], 0);
}

TEST_P(CxxValues, SmallResults)
{
    Sandbox sandbox = make();
    EXPECT_TRUE(open(KINDS_CALL(sandbox, is_even, 1U << 20)));
    EXPECT_FALSE(open(KINDS_CALL(sandbox, is_even, 3)));
    EXPECT_EQ(open(KINDS_CALL(sandbox, half, 3.0F)), 1.5);
    EXPECT_EQ(open(KINDS_CALL(sandbox, other, Colour::red)), Colour::green);
    EXPECT_EQ(open(KINDS_CALL(sandbox, negate, static_cast<signed char>(5))), -5);
    EXPECT_EQ(open(KINDS_CALL(sandbox, all_ones)), UINT64_MAX);
    EXPECT_TRUE(KINDS_CALL(sandbox, nothing));
}

TEST_P(CxxValues, OutIsCopiedBack)
{
    Sandbox sandbox = make();
    Untrusted<std::array<int, 3>> array;
    Untrusted<std::vector<int>> vector(std::vector<int>(1500));
    Untrusted<int> one;
    EXPECT_TRUE(KINDS_CALL(sandbox, fill, array, 4));
    EXPECT_EQ(open(array), (std::array<int, 3>{4, 4, 4}));
    EXPECT_TRUE(KINDS_CALL(sandbox, fill, vector, 5));
    EXPECT_EQ(open(vector), std::vector<int>(1500, 5));
    EXPECT_TRUE(KINDS_CALL(sandbox, fill, one, 6));
    EXPECT_EQ(open(one), 6);
}

// At a level with copies, Out is zero at first, in a used sandbox too.
TEST_P(CxxValues, OutIsZeroBeforeTheCall)
{
    Sandbox sandbox = make();
    Untrusted<std::array<int, 3>> values(std::array<int, 3>{9, 9, 9});
    for (int i = 1; i < 4; i++) {
        EXPECT_TRUE(KINDS_CALL(sandbox, fill, values, 7));
        EXPECT_TRUE(KINDS_CALL(sandbox, fill_first, values, i));
        const std::array<int, 3> direct = {i, 7, 7}, copied = {i, 0, 0};
        EXPECT_EQ(open(values), is_direct() ? direct : copied);
    }
}

TEST_P(CxxValues, InOutIsCopiedBothWays)
{
    Sandbox sandbox = make();
    Untrusted<std::vector<int>> values(std::vector<int>{1, 2, 3});
    EXPECT_TRUE(KINDS_CALL(sandbox, add, values, 10));
    EXPECT_TRUE(KINDS_CALL(sandbox, add, values, 10));
    EXPECT_EQ(open(values), (std::vector<int>{21, 22, 23}));
}

TEST_P(CxxValues, EmptyOutputs)
{
    Sandbox sandbox = make();
    Untrusted<std::vector<int>> nothing_at_all;
    EXPECT_TRUE(KINDS_CALL(sandbox, fill, nothing_at_all, 1));
    EXPECT_TRUE(KINDS_CALL(sandbox, add, nothing_at_all, 1));
}

TEST_P(CxxValues, AlignmentIsKept)
{
    Sandbox sandbox = make();
    const Line line{};
    EXPECT_EQ(open(KINDS_CALL(sandbox, address_of_line, line)) % alignof(Line), 0U);
    Untrusted<Line> out;
    EXPECT_EQ(open(KINDS_CALL(sandbox, set_line, out)), 0);
    EXPECT_EQ(open(out).first, 3);
}

TEST_P(CxxValues, ManyParametersOfAllKinds)
{
    Sandbox sandbox = make();
    Untrusted<int> out, in_out(5);
    EXPECT_EQ(open(KINDS_CALL(sandbox, mix, 'a', 7, 2.5, out, Point{3, 4}, in_out, 100)),
              97 + 2 + 7 + 100);
    EXPECT_EQ(open(out), 8);
    EXPECT_EQ(open(in_out), 12);
}

TEST_P(CxxValues, ManyBuffers)
{
    Sandbox sandbox = make();
    Untrusted<int> out;
    for (int i = 0; i < 50; i++) {
        ASSERT_TRUE(KINDS_CALL(sandbox, add_nine, 1, 2, 3, 4, 5, 6, 7, 8, 9, out));
        ASSERT_EQ(open(out), 45);
    }
}

TEST_P(CxxValues, ANegativeResultIsNoError)
{
    Sandbox sandbox = make();
    EXPECT_EQ(open(KINDS_CALL(sandbox, sum, -14)), -14);
    EXPECT_EQ(sandbox.fault(), nullptr);
}

TEST(UntrustedValue, IsTakenThroughACheck)
{
    const Untrusted<int> value(5);
    const auto good = value.verify([](int number) { return number > 3; });
    ASSERT_TRUE(good.has_value());
    EXPECT_EQ(*good, 5);
    EXPECT_FALSE(value.verify([](const int &number) { return number > 5; }).has_value());
    const auto text = value.check_with([](int number) -> std::optional<std::string> {
        if (number < 0)
            return std::nullopt;
        return std::to_string(number);
    });
    EXPECT_EQ(text, "5");
    EXPECT_EQ(value.trusted_because("a test"), 5);
}

static_assert(!std::is_convertible_v<Untrusted<int>, int>);
static_assert(!std::is_convertible_v<int, Untrusted<int>>);
static_assert(!std::is_constructible_v<int, Untrusted<int>>);
static_assert(!std::is_copy_constructible_v<sbm::Sandbox>);
static_assert(std::is_nothrow_move_constructible_v<sbm::Sandbox>);

} // namespace
