// SPDX-License-Identifier: Apache-2.0
//
// The report of an aborted call, field by field.
#include "instance.hpp"

#include <bit>
#include <cstring>
#include <string>
#include <sys/syscall.h>

using conformance::aborted;
using conformance::AtTarget;
using conformance::Instance;
using conformance::Options;

namespace {

class Report : public AtTarget {};
class StrongReport : public AtTarget {};
AT_GUARDED_TARGETS(Report);
AT_STRONG_TARGETS(StrongReport);

constexpr uintptr_t kNowhere = 0x12340; // in the first pages, which nothing maps

bool contains(const char *text, const char *part)
{
    return std::strstr(text, part) != nullptr;
}

TEST_P(Report, OfAMemoryAccess)
{
    Instance sbm(options());
    ASSERT_TRUE(aborted(sbm, sbm_call(sbm, read_deep_inside, kNowhere), SBM_FAULT_MEMORY));
    const struct sbm_fault &fault = *sbm_fault(sbm);
    EXPECT_EQ(fault.access, SBM_ACCESS_READ);
    EXPECT_EQ(fault.address, kNowhere);
    EXPECT_NE(fault.instruction, 0U);
    EXPECT_TRUE(contains(fault.text, "0x12340")) << fault.text;
    EXPECT_TRUE(contains(sbm_error_text(sbm), "0x12340")) << sbm_error_text(sbm);
    for (const char *text : {fault.function, fault.file, fault.backtrace})
        EXPECT_NE(text, nullptr);
}

TEST_P(StrongReport, NamesFunctionFileAndLine)
{
    Instance sbm(options());
    ASSERT_TRUE(aborted(sbm, sbm_call(sbm, read_deep_inside, kNowhere), SBM_FAULT_MEMORY));
    const struct sbm_fault &fault = *sbm_fault(sbm);
    EXPECT_STREQ(fault.function, "innermost");
    EXPECT_TRUE(contains(fault.file, "faults.c")) << fault.file;
    EXPECT_GT(fault.line, 0);
    EXPECT_TRUE(contains(fault.text, "innermost")) << fault.text;
    EXPECT_TRUE(contains(fault.text, "faults.c:")) << fault.text;
}

TEST_P(StrongReport, HasABacktraceInnermostFirst)
{
    Instance sbm(options());
    ASSERT_TRUE(aborted(sbm, sbm_call(sbm, read_deep_inside, kNowhere), SBM_FAULT_MEMORY));
    const std::string backtrace = sbm_fault(sbm)->backtrace;
    const size_t innermost = backtrace.find("innermost"), middle = backtrace.find("middle"),
                 outermost = backtrace.find("read_deep_inside");
    EXPECT_NE(innermost, std::string::npos) << backtrace;
    EXPECT_NE(middle, std::string::npos) << backtrace;
    EXPECT_NE(outermost, std::string::npos) << backtrace;
    EXPECT_LT(innermost, middle);
    EXPECT_LT(middle, outermost);
    EXPECT_EQ(backtrace.back(), '\n');
    EXPECT_EQ(backtrace.substr(0, 2), "#0");
}

TEST_P(StrongReport, OfASystemCallHasItsNumber)
{
    Instance sbm(options());
    const int returned = sbm_call(sbm, misbehave, MISDEED_SYSTEM_CALL);
    if (is_module()) { // which answers it itself, within the cell
        EXPECT_EQ(returned, 1);
        return;
    }
    ASSERT_TRUE(aborted(sbm, returned, SBM_FAULT_SYSTEM_CALL));
    EXPECT_EQ(sbm_fault(sbm)->address, uint64_t{SYS_getpid});
    EXPECT_NE(sbm_fault(sbm)->instruction, 0U);
    EXPECT_TRUE(contains(sbm_fault(sbm)->text, "system call 39")) << sbm_fault(sbm)->text;
}

TEST_P(StrongReport, OfAnImportHasItsName)
{
    Instance sbm(options());
    const int returned = sbm_call(sbm, misbehave, MISDEED_IMPORT);
    if (is_module()) { // which has a C library, and no PATH
        EXPECT_EQ(returned, 0);
        return;
    }
    ASSERT_TRUE(aborted(sbm, returned, SBM_FAULT_IMPORT));
    EXPECT_EQ(sbm_fault(sbm)->access, SBM_ACCESS_EXECUTE);
    EXPECT_TRUE(contains(sbm_fault(sbm)->text, "getenv")) << sbm_fault(sbm)->text;
    EXPECT_STREQ(sbm_fault(sbm)->function, "call_library") << sbm_fault(sbm)->backtrace;
    EXPECT_TRUE(contains(sbm_error_text(sbm), "getenv")) << sbm_error_text(sbm);
}

TEST_P(StrongReport, OfAFailedAssertionHasItsText)
{
    Instance sbm(options());
    ASSERT_TRUE(aborted(sbm, sbm_call(sbm, misbehave, MISDEED_ASSERTION), SBM_FAULT_ABORT));
    if (is_module()) { // whose C library writes the text to standard error, and aborts
        EXPECT_TRUE(contains(sbm_fault(sbm)->text, "abort()")) << sbm_fault(sbm)->text;
        EXPECT_TRUE(contains(sbm_fault(sbm)->backtrace, "call_library"))
            << sbm_fault(sbm)->backtrace;
        return;
    }
    EXPECT_TRUE(contains(sbm_fault(sbm)->text, "one == 2")) << sbm_fault(sbm)->text;
    EXPECT_TRUE(contains(sbm_fault(sbm)->text, "call_library")) << sbm_fault(sbm)->text;
}

TEST_P(StrongReport, OfAbortAndExit)
{
    Instance sbm(options());
    ASSERT_TRUE(aborted(sbm, sbm_call(sbm, misbehave, MISDEED_ABORT), SBM_FAULT_ABORT));
    EXPECT_TRUE(contains(sbm_fault(sbm)->text, "abort()")) << sbm_fault(sbm)->text;
    ASSERT_EQ(sbm_reset(sbm), 0);
    ASSERT_TRUE(aborted(sbm, sbm_call(sbm, misbehave, MISDEED_EXIT), SBM_FAULT_ABORT));
    EXPECT_TRUE(contains(sbm_fault(sbm)->text, "exit(3)")) << sbm_fault(sbm)->text;
}

TEST_P(StrongReport, OfAStackOverflowNamesTheFunction)
{
    Instance sbm(options());
    ASSERT_TRUE(aborted(sbm, sbm_call(sbm, recurse_forever), SBM_FAULT_STACK));
    EXPECT_STREQ(sbm_fault(sbm)->function, "recurse_through");
    EXPECT_TRUE(contains(sbm_fault(sbm)->text, "stack")) << sbm_fault(sbm)->text;
}

TEST_P(Report, OfAWriteBeforeABuffer)
{
    Instance sbm(options());
    int value = 0;
    int *in_cell = SBM_COPY_OUT(sbm, &value, sizeof value);
    const int returned = sbm_call(sbm, write_at, in_cell, -1);
    ASSERT_TRUE(aborted(sbm, returned, SBM_FAULT_BUFFER_UNDERRUN));
    EXPECT_EQ(sbm_fault(sbm)->access, SBM_ACCESS_WRITE);
    EXPECT_EQ(sbm_fault(sbm)->address, reinterpret_cast<uintptr_t>(in_cell));
    EXPECT_TRUE(contains(sbm_fault(sbm)->text, "buffer")) << sbm_fault(sbm)->text;
}

TEST_P(StrongReport, OfATimeOutNamesTheLoop)
{
    Options wanted = options();
    wanted.cpu_time_ns = 10'000'000;
    Instance sbm(wanted);
    EXPECT_EQ(sbm_call(sbm, spin_forever), -ETIMEDOUT);
    ASSERT_NE(sbm_fault(sbm), nullptr);
    EXPECT_EQ(sbm_fault(sbm)->kind, SBM_FAULT_CPU_TIME);
    if (sbm_fault(sbm)->instruction) { // not every level can tell
        EXPECT_STREQ(sbm_fault(sbm)->function, "spin_forever");
    }
}

// One fault's report does not colour the next one's.
TEST_P(Report, IsOfTheLastFault)
{
    Instance sbm(options());
    ASSERT_TRUE(aborted(sbm, sbm_call(sbm, read_deep_inside, kNowhere), SBM_FAULT_MEMORY));
    EXPECT_STRNE(sbm_fault(sbm)->text, "");
    ASSERT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_fault(sbm), nullptr);
    ASSERT_TRUE(aborted(sbm, sbm_call(sbm, misbehave, MISDEED_DIVIDE), SBM_FAULT_ARITHMETIC));
    EXPECT_FALSE(contains(sbm_fault(sbm)->text, "innermost")) << sbm_fault(sbm)->text;
    EXPECT_EQ(sbm_fault(sbm)->address, 0U);
}

TEST(FaultKinds, HaveNames)
{
    for (int kind = SBM_FAULT_MEMORY; kind <= SBM_FAULT_KILLED; kind++)
        EXPECT_STRNE(sbm_fault_kind_name(static_cast<enum sbm_fault_kind>(kind)), "?") << kind;
    for (const int number : {0, -1, SBM_FAULT_KILLED + 1, 1000})
        EXPECT_STREQ(sbm_fault_kind_name(std::bit_cast<enum sbm_fault_kind>(number)), "?");
}

} // namespace
