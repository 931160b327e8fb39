// SPDX-License-Identifier: Apache-2.0
//
// Everything with which the processor or the system ends a program: the original's
// cases 16 and 17, and the exceptions and system calls that it left open.
#include "instance.hpp"

#include <ostream>
#include <sys/mman.h>
#include <tuple>

using conformance::aborted;
using conformance::Instance;
using conformance::kSanitized;
using conformance::Options;
using conformance::skip_without;
using conformance::Target;

namespace {

enum class Plainly { ends, goes_on }; // in a plain call
struct Case {
    const char *name;
    int misdeed;
    sbm_fault_kind kind;
    sbm_access access;
    Plainly plainly;
    bool weak_catches; // or is it as in a plain call?
};

constexpr Case kCases[] = {
    {"ReadNull", MISDEED_READ_NULL, SBM_FAULT_MEMORY, SBM_ACCESS_READ, Plainly::ends, true},
    {"WriteNull", MISDEED_WRITE_NULL, SBM_FAULT_MEMORY, SBM_ACCESS_WRITE, Plainly::ends, true},
    {"JumpNull", MISDEED_JUMP_NULL, SBM_FAULT_MEMORY, SBM_ACCESS_EXECUTE, Plainly::ends, true},
    {"WriteConstant", MISDEED_WRITE_CONSTANT, SBM_FAULT_MEMORY, SBM_ACCESS_WRITE, Plainly::ends,
     true},
    {"WriteCode", MISDEED_WRITE_CODE, SBM_FAULT_MEMORY, SBM_ACCESS_WRITE, Plainly::ends, true},
    {"RunData", MISDEED_RUN_DATA, SBM_FAULT_MEMORY, SBM_ACCESS_EXECUTE, Plainly::ends, true},
    {"RunStack", MISDEED_RUN_STACK, SBM_FAULT_MEMORY, SBM_ACCESS_EXECUTE, Plainly::ends, true},
    {"NonCanonical", MISDEED_NON_CANONICAL, SBM_FAULT_PROTECTION, SBM_ACCESS_NONE, Plainly::ends,
     true},
    {"Divide", MISDEED_DIVIDE, SBM_FAULT_ARITHMETIC, SBM_ACCESS_NONE, Plainly::ends, true},
    {"DivideOverflow", MISDEED_DIVIDE_OVERFLOW, SBM_FAULT_ARITHMETIC, SBM_ACCESS_NONE,
     Plainly::ends, true},
    {"X87", MISDEED_X87, SBM_FAULT_ARITHMETIC, SBM_ACCESS_NONE, Plainly::ends, true},
    {"Sse", MISDEED_SSE, SBM_FAULT_ARITHMETIC, SBM_ACCESS_NONE, Plainly::ends, true},
    {"Undefined", MISDEED_UNDEFINED, SBM_FAULT_INSTRUCTION, SBM_ACCESS_NONE, Plainly::ends, true},
    {"Breakpoint", MISDEED_BREAKPOINT, SBM_FAULT_TRAP, SBM_ACCESS_NONE, Plainly::ends, true},
    {"SingleStep", MISDEED_SINGLE_STEP, SBM_FAULT_TRAP, SBM_ACCESS_NONE, Plainly::ends, true},
    {"Halt", MISDEED_HALT, SBM_FAULT_PROTECTION, SBM_ACCESS_NONE, Plainly::ends, true},
    {"Port", MISDEED_PORT, SBM_FAULT_PROTECTION, SBM_ACCESS_NONE, Plainly::ends, true},
    {"Alignment", MISDEED_ALIGNMENT, SBM_FAULT_ALIGNMENT, SBM_ACCESS_NONE, Plainly::ends, true},
    {"Abort", MISDEED_ABORT, SBM_FAULT_ABORT, SBM_ACCESS_NONE, Plainly::ends, false},
    {"Assertion", MISDEED_ASSERTION, SBM_FAULT_ABORT, SBM_ACCESS_NONE, Plainly::ends, false},
    {"Exit", MISDEED_EXIT, SBM_FAULT_ABORT, SBM_ACCESS_NONE, Plainly::ends, false},
    {"SystemCall", MISDEED_SYSTEM_CALL, SBM_FAULT_SYSTEM_CALL, SBM_ACCESS_NONE, Plainly::goes_on,
     false},
    {"OldSystemCall", MISDEED_OLD_SYSTEM_CALL, SBM_FAULT_SYSTEM_CALL, SBM_ACCESS_NONE,
     Plainly::goes_on, false},
    {"Import", MISDEED_IMPORT, SBM_FAULT_IMPORT, SBM_ACCESS_EXECUTE, Plainly::goes_on, false},
};

void PrintTo(const Case &what, std::ostream *stream)
{
    *stream << what.name;
}

class Processor : public testing::TestWithParam<std::tuple<Target, Case>> {
protected:
    void SetUp() override { skip_without(level()); }
    static enum sbm_level level() { return std::get<0>(GetParam()).level; }
    static bool is_module() { return std::get<0>(GetParam()).kind == kinds::Kind::module; }
    static const Case &what() { return std::get<1>(GetParam()); }
    static Options options()
    {
        return {{level(), 0, 0, 0, 0, SBM_GUARD_DEFAULT}, std::get<0>(GetParam()).kind};
    }

    // A module has a C library of its own, and answers its system calls.
    static bool is_answered()
    {
        return is_module() &&
               (what().misdeed == MISDEED_SYSTEM_CALL || what().misdeed == MISDEED_IMPORT);
    }
    static bool is_caught()
    {
        if (is_answered())
            return false;
        return level() >= SBM_LEVEL_PROCESS || (level() == SBM_LEVEL_WEAK && what().weak_catches);
    }

    static int misbehave_at_level()
    {
        Instance sbm(options());
        return sbm_call(sbm, misbehave, what().misdeed);
    }
};

std::string case_name(const testing::TestParamInfo<std::tuple<Target, Case>> &info)
{
    return std::string(std::get<1>(info.param).name) + "_" +
           conformance::target_name(std::get<0>(info.param));
}

INSTANTIATE_TEST_SUITE_P(, Processor,
                         testing::Combine(testing::Values(Target(SBM_LEVEL_NONE),
                                                          Target(SBM_LEVEL_WEAK),
                                                          CONFORMANCE_STRONG_),
                                          testing::ValuesIn(kCases)),
                         case_name);

// The caller's own arithmetic is as before, whatever state the cell left.
void expect_usual_processor_state()
{
    volatile double one = 1, zero = 0;
    volatile long double long_one = 1, long_zero = 0;
    volatile const double quotient = one / zero;
    volatile const long double long_quotient = long_one / long_zero;
    EXPECT_GT(quotient, 1e300);
    EXPECT_GT(long_quotient, 1e300L);
    uint64_t flags;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\tpopq %0\n\tlea 128(%%rsp), %%rsp"
                     : "=r"(flags));
    EXPECT_EQ(flags & 0x40500, 0U) << "trap, direction or alignment check flag";
}

TEST_P(Processor, Misdeed)
{
    if (what().misdeed == MISDEED_ALIGNMENT) {
        conformance::skip_where_signals_wait(level());
        if (IsSkipped())
            return;
    }
    if (!is_caught()) {
        if (what().plainly == Plainly::goes_on) // a cell has an environment without PATH
            EXPECT_EQ(misbehave_at_level(), !is_module() || what().misdeed != MISDEED_IMPORT);
        else if (kSanitized)
            GTEST_SKIP() << "the sanitizer would report the crash that this level lets happen";
        else
            EXPECT_DEATH(_exit(misbehave_at_level()), "");
        return;
    }
    Instance sbm(options());
    for (int i = 0; i < 2; i++) { // caught, and caught again after a reset
        const int returned = sbm_call(sbm, misbehave, what().misdeed);
        if (is_module() && what().misdeed == MISDEED_OLD_SYSTEM_CALL)
            EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_PROTECTION) ||
                        aborted(sbm, returned, SBM_FAULT_INSTRUCTION))
                << "no number leaves a module";
        else
            ASSERT_TRUE(aborted(sbm, returned, what().kind));
        EXPECT_EQ(sbm_fault(sbm)->access, what().access) << sbm_fault(sbm)->text;
        expect_usual_processor_state();
        ASSERT_EQ(sbm_reset(sbm), 0) << sbm_error_text(sbm);
        EXPECT_EQ(sbm_call(sbm, no_parameter), 17) << sbm_error_text(sbm);
    }
}

class StackPointer : public conformance::AtTarget {};
AT_GUARDED_TARGETS(StackPointer);

// The original's case 16: a stack pointer in memory that cannot be written.
TEST_P(StackPointer, InForbiddenMemory)
{
    void *page = mmap(nullptr, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(page, MAP_FAILED);
    Instance sbm(options());
    const auto top = reinterpret_cast<uintptr_t>(page) + 4096;
    ASSERT_TRUE(aborted(sbm, sbm_call(sbm, use_stack_at, top), SBM_FAULT_MEMORY));
    EXPECT_EQ(sbm_fault(sbm)->address, top - 8);
    EXPECT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
    munmap(page, 8192);
}

TEST_P(StackPointer, InReadOnlyBuffer)
{
    Instance sbm(options());
    const unsigned char bytes[64] = {0};
    const unsigned char *in_cell = SBM_COPY_IN(sbm, bytes, sizeof bytes);
    const auto top = reinterpret_cast<uintptr_t>(in_cell) + sizeof bytes;
    EXPECT_TRUE(aborted(sbm, sbm_call(sbm, use_stack_at, top), SBM_FAULT_MEMORY));
}

TEST_P(StackPointer, OutsideTheAddressSpace)
{
    Instance sbm(options());
    const int returned = sbm_call(sbm, use_stack_at, uintptr_t{1} << 63);
    EXPECT_EQ(returned, -EFAULT);
    EXPECT_EQ(sbm_error(sbm), -EFAULT);
    EXPECT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
}

} // namespace
