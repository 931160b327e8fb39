// SPDX-License-Identifier: Apache-2.0
//
// The entries that the host and the loader use: start of a call, host calls,
// thread-local variables, errno, registration of destructors.
#include "test_cell.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <utility>
#include <vector>

namespace {

struct ProcessorState {
    std::uintptr_t stack;
    std::uintptr_t frame;
    unsigned mxcsr;
    unsigned short x87_control;
    bool direction;
};

} // namespace

// What the callee finds. Assembly alone can see it before the compiler's prologue.
extern "C" long sbm_test_observe(void *state);
__asm__(R"(
    .text
    .type sbm_test_observe, @function
sbm_test_observe:
    mov %rsp, (%rdi)
    mov %rbp, 8(%rdi)
    stmxcsr 16(%rdi)
    fnstcw 20(%rdi)
    pushfq
    pop %rax
    bt $10, %rax
    setc 22(%rdi)
    mov $-7, %rax
    ret
    .size sbm_test_observe, . - sbm_test_observe
)");

namespace sbm::test {
namespace {

// Calls entry(function, data) with the processor state that a hostile call left.
long call_with_dirty_state(void *entry, void *function, void *data)
{
    long result = 0;
    const unsigned dirty_mxcsr = 0xffc0;         // rounds to zero, flushes denormals
    const unsigned short dirty_control = 0x0e7f; // rounds down and at single precision
    unsigned saved_mxcsr = 0;
    unsigned short saved_control = 0;
    __asm__ volatile(
        "stmxcsr %[saved_mxcsr]\n\t"
        "fnstcw %[saved_control]\n\t"
        "ldmxcsr %[dirty_mxcsr]\n\t"
        "fldcw %[dirty_control]\n\t"
        "mov %%rsp, %%r12\n\t"
        "and $-16, %%rsp\n\t"
        "sub $136, %%rsp\n\t" // below the red zone, and aligned wrongly
        "std\n\t"
        "call *%[entry]\n\t"
        "cld\n\t"
        "mov %%r12, %%rsp\n\t"
        "fldcw %[saved_control]\n\t"
        "ldmxcsr %[saved_mxcsr]\n\t"
        : "=a"(result), "+D"(function),
          "+S"(data), [saved_mxcsr] "=m"(saved_mxcsr), [saved_control] "=m"(saved_control)
        : [entry] "r"(entry), [dirty_mxcsr] "m"(dirty_mxcsr), [dirty_control] "m"(dirty_control)
        : "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "memory", "cc");
    return result;
}

TEST(EntryTest, CallStartsWithCleanState)
{
    TestCell cell(4096);
    ProcessorState state{};
    const long result = call_with_dirty_state(cell.symbol("__sbm_call"),
                                              reinterpret_cast<void *>(sbm_test_observe), &state);
    EXPECT_EQ(result, -7);
    EXPECT_EQ(state.stack % 16, 8U); // 16 before the call pushed its return address
    EXPECT_EQ(state.frame, 0U);
    EXPECT_EQ(state.mxcsr, 0x1f80U);
    EXPECT_EQ(state.x87_control, 0x37fU);
    EXPECT_FALSE(state.direction);
}

TEST(EntryTest, CallKeepsSavedRegisters)
{
    TestCell cell(4096);
    const auto call = cell.function<long(long (*)(void *), void *)>("__sbm_call");
    ProcessorState state{};
    long sum = 0;
    for (int i = 0; i < 3; i++)
        sum += call(sbm_test_observe, &state);
    EXPECT_EQ(sum, -21);
}

TEST(EntryTest, ProxyCallGoesThroughTheMailbox)
{
    TestCell cell(4096);
    const auto proxy_call = cell.function<long(const void *, void *)>("sbm_proxy_call");
    std::vector<std::pair<std::uint64_t, std::uint64_t>> calls;
    cell.host_call = [&](std::uint64_t proxy, std::uint64_t arguments) {
        calls.emplace_back(proxy, arguments);
        return -static_cast<long>(calls.size());
    };
    int proxy = 0;
    int arguments = 0;
    const auto report = cell.run([&] {
        EXPECT_EQ(proxy_call(&proxy, &arguments), -1);
        EXPECT_EQ(proxy_call(&arguments, nullptr), -2);
    });
    EXPECT_FALSE(report);
    ASSERT_EQ(calls.size(), 2U);
    EXPECT_EQ(calls[0], std::pair(reinterpret_cast<std::uint64_t>(&proxy),
                                  reinterpret_cast<std::uint64_t>(&arguments)));
    EXPECT_EQ(calls[1], std::pair(reinterpret_cast<std::uint64_t>(&arguments), std::uint64_t{0}));
}

TEST(EntryTest, ThreadLocalAddresses)
{
    TestCell cell(4096);
    cell.mailbox().tls_start = 0x10000;
    const std::uint64_t index[2] = {99, 0x28};
    const auto get = cell.function<std::uint64_t(const std::uint64_t *)>("__tls_get_addr");
    EXPECT_EQ(get(index), 0x10028U);
}

TEST(EntryTest, TlsDescriptorKeepsAllRegisters)
{
    TestCell cell(4096);
    const std::uint64_t descriptor[2] = {0, static_cast<std::uint64_t>(-64)};
    std::uint64_t rax = reinterpret_cast<std::uint64_t>(descriptor);
    std::uint64_t rcx = 1;
    std::uint64_t rdx = 2;
    std::uint64_t rsi = 3;
    std::uint64_t rdi = 4;
    __asm__ volatile("mov %%rsp, %%r12\n\t"
                     "sub $128, %%rsp\n\t"
                     "and $-16, %%rsp\n\t"
                     "mov $5, %%r8d\n\t"
                     "call *%[resolver]\n\t"
                     "add %%r8, %%rcx\n\t"
                     "mov %%r12, %%rsp"
                     : "+a"(rax), "+c"(rcx), "+d"(rdx), "+S"(rsi), "+D"(rdi)
                     : [resolver] "r"(cell.symbol("__sbm_tlsdesc"))
                     : "r8", "r12", "memory", "cc");
    EXPECT_EQ(rax, static_cast<std::uint64_t>(-64));
    EXPECT_EQ(rcx, 6U);
    EXPECT_EQ(rdx, 2U);
    EXPECT_EQ(rsi, 3U);
    EXPECT_EQ(rdi, 4U);
}

TEST(EntryTest, DestructorsAreTakenAndNeverRun)
{
    TestCell cell(4096);
    using Destructor = void (*)(void *);
    const Destructor never = [](void *) { FAIL(); };
    EXPECT_EQ(
        cell.function<int(Destructor, void *, void *)>("__cxa_atexit")(never, nullptr, nullptr), 0);
    EXPECT_EQ(cell.function<int(Destructor, void *, void *)>("__cxa_thread_atexit")(never, nullptr,
                                                                                    nullptr),
              0);
    EXPECT_EQ(cell.function<int(Destructor, void *, void *)>("__cxa_thread_atexit_impl")(
                  never, nullptr, nullptr),
              0);
    EXPECT_EQ(cell.function<int(Destructor, void *)>("__cxa_at_quick_exit")(never, nullptr), 0);
    EXPECT_EQ(cell.function<int(void (*)())>("atexit")([] { FAIL(); }), 0);
    cell.function<void(void *)>("__cxa_finalize")(nullptr);
    EXPECT_TRUE(cell.run([&] { cell.function<void(int)>("exit")(0); }));
}

TEST(EntryTest, ErrnoIsTheCellsOwn)
{
    TestCell cell(4096);
    errno = 0;
    char *end = nullptr;
    cell.function<long(const char *, char **, int)>("strtol")("99999999999999999999", &end, 10);
    EXPECT_EQ(cell.cell_errno(), ERANGE);
    EXPECT_EQ(errno, 0);
}

} // namespace
} // namespace sbm::test
