// SPDX-License-Identifier: Apache-2.0
#include "base/result.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace cell {
namespace {

Result<int> half(int value)
{
    if (value % 2)
        return error(Errc::misuse, "%d is odd", value);
    return value / 2;
}

Result<int> quarter(int value)
{
    CELL_TRY(const int first, half(value));
    CELL_TRY(const int second, half(first));
    return second;
}

TEST(ResultTest, HandsOnValuesAndErrors)
{
    EXPECT_EQ(*quarter(8), 2);
    const auto failed = quarter(6);
    ASSERT_FALSE(failed);
    EXPECT_STREQ(failed.error().text(), "3 is odd");
    EXPECT_EQ(failed.error().code(), Errc::misuse);
}

TEST(ResultTest, CarriesValuesThatOnlyMove)
{
    Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
    const std::unique_ptr<int> taken = *std::move(result);
    EXPECT_EQ(*taken, 3);
}

TEST(ErrorTest, CutsLongTexts)
{
    const std::string text(1000, 'x');
    const Error cut(Errc::fault, text);
    EXPECT_EQ(std::string(cut.text()), std::string(251, 'x'));
    EXPECT_EQ(std::string(error(Errc::fault, "%s", text.c_str()).text()), std::string(251, 'x'));
}

TEST(ErrorTest, TellsWhatTheSystemSaid)
{
    const Error denied = os_error(EACCES, "cannot open %s", "/dev/kvm");
    EXPECT_STREQ(denied.text(), "cannot open /dev/kvm: Permission denied");
    EXPECT_EQ(denied.code(), Errc::not_available);
    EXPECT_EQ(os_error(ENOMEM, "x").code(), Errc::no_memory);
    EXPECT_EQ(os_error(ENOSPC, "x").code(), Errc::no_memory);
}

} // namespace
} // namespace cell
