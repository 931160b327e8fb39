// SPDX-License-Identifier: Apache-2.0
//
// Hostile code leaves 64-bit mode by a far jump and enters the kernel from there,
// where a filter of numbers would read them from another table. That needs code
// below 4 GiB: this program and its module are linked without position independence.
#include "hostile.hpp"

#include "compat.h"

#include <escape_compat_module.module.hpp>

#include <cerrno>
#include <optional>

namespace escape {
namespace {

class Compat : public AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        cell_.emplace(GetParam(), kSmall, escape_compat_module_module());
        if (const Outcome first = long_mode(); first.error == -ENOSYS)
            GTEST_SKIP() << first.text; // an instrumented program
        ASSERT_EQ(long_mode().value, 42) << "it does not lie below 4 GiB";
    }
    Outcome compat_mode(long way)
    {
        return cell_->run([&](struct sbm *sbm) { return sbm_call(sbm, in_compat_mode, way); });
    }
    Outcome long_mode()
    {
        return cell_->run([&](struct sbm *sbm) { return sbm_call(sbm, in_long_mode, 41); });
    }
    std::optional<Cell> cell_;
};
ESCAPE_EVERYWHERE(Compat);

// The twin: the way into 32-bit mode and out again works where the kernel allows it.
TEST_P(Compat, IsReachedAndLeft)
{
    const Outcome outcome = compat_mode(0);
    if (outcome.is(SBM_FAULT_PROTECTION))
        GTEST_SKIP() << "this kernel has no 32-bit code";
    EXPECT_TRUE(outcome.value == 7 || level() == SBM_LEVEL_VM) << outcome;
    EXPECT_EQ(long_mode().value, 42);
}

TEST_P(Compat, InterruptIsRefused)
{
    const Outcome outcome = compat_mode(1);
    EXPECT_TRUE(outcome.faulted()) << outcome;
    EXPECT_TRUE(!outcome.is(SBM_FAULT_SYSTEM_CALL) || outcome.address == 20) << outcome;
    EXPECT_EQ(long_mode().value, 42);
}

TEST_P(Compat, SysenterIsRefused)
{
    const Outcome outcome = compat_mode(2);
    EXPECT_TRUE(outcome.faulted()) << outcome;
    EXPECT_EQ(long_mode().value, 42);
}

TEST_P(Compat, SyscallIsRefused)
{
    const Outcome outcome = compat_mode(3);
    EXPECT_TRUE(outcome.faulted()) << outcome;
    EXPECT_EQ(long_mode().value, 42);
}

} // namespace
} // namespace escape
