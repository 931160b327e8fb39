// SPDX-License-Identifier: Apache-2.0
//
// Hostile code leaves 64-bit mode by a far jump and enters the kernel from there,
// where a filter of numbers would read them from another table. That needs code
// below 4 GiB: this program is linked without position independence.
#include "hostile.hpp"

#include <cerrno>
#include <optional>

extern "C" void escape_compat(long way, void *stack);

// %rdi: which way in; %rsi: the end of a stack below 4 GiB. Comes back in 64-bit
// mode if the kernel lets it. Selector 0x23 is Linux's 32-bit code segment, and at
// the level `vm` the cell's own 64-bit one: the bytes mean the same in both modes.
__asm__(R"(
    .pushsection .text
    .globl escape_compat
    .type escape_compat, @function
escape_compat:
    push %rbx
    push %rbp
    mov %rsp, %rbx
    mov %rsi, %rsp
    mov %rbx, 8(%rsi)
    mov %rsi, %rbp
    ljmpl *escape_into_compat(%rip)
    .code32
escape_in_compat:
    cmp $1, %edi
    je 1f
    cmp $2, %edi
    je 2f
    cmp $3, %edi
    je 3f
    jmp 4f
1:  mov $20, %eax
    int $0x80
    jmp 4f
2:  mov $20, %eax
    sysenter
    jmp 4f
3:  mov $20, %eax
    syscall
4:  ljmp $0x33, $escape_back
    .code64
escape_back:
    mov 8(%rsi), %rsp
    pop %rbp
    pop %rbx
    ret
    .size escape_compat, . - escape_compat
    .popsection
    .pushsection .rodata
escape_into_compat:
    .long escape_in_compat
    .word 0x23
    .popsection
)");

namespace escape {
namespace {

alignas(64) unsigned char low_stack[8192];

SBM_DEFINE_FUNC(in_compat_mode, long, way)
{
    escape_compat(way, low_stack + sizeof low_stack / 2);
    return 7;
}

SBM_DEFINE_FUNC(in_long_mode, int, value)
{
    return value + 1;
}

class Compat : public AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        cell_.emplace(GetParam());
        if (const Outcome first = long_mode(); first.error == -ENOSYS)
            GTEST_SKIP() << first.text; // an instrumented program
        ASSERT_LT(reinterpret_cast<std::uint64_t>(&escape_compat), std::uint64_t{1} << 32);
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
ESCAPE_IN_PLACE(Compat);

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
