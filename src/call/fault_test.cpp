// SPDX-License-Identifier: Apache-2.0
#include "call/fault.hpp"

#include <gtest/gtest.h>

namespace cell::call {
namespace {

using backend::Exit;
using backend::Faulted;

TEST(Printable, EscapesWhatATerminalWouldObey)
{
    const char text[] = "a\x1b[31m\n\xff z";
    EXPECT_EQ(printable(text, sizeof text), "a\\x1b[31m\\x0a\\xff z");
}

TEST(Printable, EndsAtTheLimitWithoutAZero)
{
    const char text[] = {'a', 'b', 'c'};
    EXPECT_EQ(printable(text, 2), "ab");
}

sbm_fault_kind kind_of(std::uint32_t vector)
{
    return classify(Faulted{vector, 0, 0, {}}, nullptr).kind;
}

TEST(Classify, KnowsTheExceptions)
{
    EXPECT_EQ(kind_of(0), SBM_FAULT_ARITHMETIC);
    EXPECT_EQ(kind_of(1), SBM_FAULT_TRAP);
    EXPECT_EQ(kind_of(3), SBM_FAULT_TRAP);
    EXPECT_EQ(kind_of(6), SBM_FAULT_INSTRUCTION);
    EXPECT_EQ(kind_of(13), SBM_FAULT_PROTECTION);
    EXPECT_EQ(kind_of(14), SBM_FAULT_MEMORY);
    EXPECT_EQ(kind_of(16), SBM_FAULT_ARITHMETIC);
    EXPECT_EQ(kind_of(17), SBM_FAULT_ALIGNMENT);
    EXPECT_EQ(kind_of(19), SBM_FAULT_ARITHMETIC);
    EXPECT_EQ(kind_of(250), SBM_FAULT_PROTECTION) << "anything else";
}

TEST(Classify, ReadsTheAccessFromTheErrorCode)
{
    EXPECT_EQ(classify(Faulted{14, 4, 1, {}}, nullptr).access, SBM_ACCESS_READ);
    EXPECT_EQ(classify(Faulted{14, 6, 1, {}}, nullptr).access, SBM_ACCESS_WRITE);
    EXPECT_EQ(classify(Faulted{14, 20, 1, {}}, nullptr).access, SBM_ACCESS_EXECUTE);
}

TEST(Classify, TellsTheLimitsApart)
{
    EXPECT_EQ(classify(backend::TimedOut{backend::Limit::cpu_time, {}}, nullptr).kind,
              SBM_FAULT_CPU_TIME);
    EXPECT_EQ(classify(backend::TimedOut{backend::Limit::wall_time, {}}, nullptr).kind,
              SBM_FAULT_WALL_TIME);
}

TEST(FaultReportTest, MakesASentence)
{
    FaultReport report({.kind = SBM_FAULT_IMPORT,
                        .access = SBM_ACCESS_EXECUTE,
                        .address = 4096,
                        .registers = std::nullopt,
                        .detail = "_ZN3foo3barEv"});
    const sbm_fault *fault = report.get(nullptr);
    EXPECT_STREQ(fault->text, "call of `foo::bar()`, which is not available in a cell");
    EXPECT_STREQ(fault->function, "");
    EXPECT_STREQ(fault->backtrace, "");
    EXPECT_EQ(fault->line, 0);
}

} // namespace
} // namespace cell::call
