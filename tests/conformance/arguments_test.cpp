// SPDX-License-Identifier: Apache-2.0
//
// Typed calls: from none to six parameters, by value, of all sizes.
#include "instance.hpp"

#include <array>
#include <climits>
#include <cstddef>
#include <cstring>
#include <memory>

using conformance::aborted;
using conformance::AtTarget;
using conformance::Instance;
using conformance::works;

namespace {

class Arguments : public AtTarget {};
class Target : public AtTarget {};
AT_EVERY_TARGET(Arguments);
AT_STRONG_TARGETS(Target);

TEST_P(Arguments, None)
{
    Instance sbm(options());
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
    EXPECT_TRUE(works(sbm));
}

TEST_P(Arguments, Six)
{
    Instance sbm(options());
    double sum = 0;
    EXPECT_EQ(sbm_call(sbm, six_parameters, -1, 65535, -100000, uint64_t{1} << 40, 0.5F,
                       SBM_COPY_OUT(sbm, &sum, sizeof sum)),
              1);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(sum, -1 + 65535 - 100000 + 1099511627776.0 + 0.5);
}

TEST_P(Arguments, AStructure)
{
    Instance sbm(options());
    double out = 0;
    const cell_numbers numbers = {5, 1.25L, -7};
    EXPECT_EQ(sbm_call(sbm, structure_parameter, numbers, SBM_COPY_OUT(sbm, &out, sizeof out)), -2);
    EXPECT_EQ(out, 1.25);
}

TEST_P(Arguments, MoreThanAPage)
{
    Instance sbm(options());
    const auto block = std::make_unique<cell_block>();
    for (size_t i = 0; i < sizeof block->bytes; i++)
        block->bytes[i] = static_cast<unsigned char>(i % 251);
    for (const size_t i : {size_t{0}, size_t{4095}, size_t{4096}, sizeof block->bytes - 1}) {
        EXPECT_EQ(sbm_call(sbm, large_parameter, *block, i), static_cast<int>(i % 251));
        block->bytes[i] = 255; // copied anew for each call
        EXPECT_EQ(sbm_call(sbm, large_parameter, *block, i), 255);
    }
    EXPECT_TRUE(works(sbm));
}

TEST_P(Arguments, EveryReturnValue)
{
    Instance sbm(options());
    for (const int value : {0, 1, -1, INT_MAX, INT_MIN, -EFAULT, -EINVAL, 0x600d600d}) {
        EXPECT_EQ(sbm_call(sbm, return_value, value), value);
        EXPECT_TRUE(works(sbm));
    }
}

TEST_P(Arguments, UntypedExec)
{
    Instance sbm(options());
    int value = 21;
    EXPECT_EQ(sbm_exec(sbm, plain_target, SBM_COPY_IN(sbm, &value, sizeof value)), 42);
    EXPECT_TRUE(works(sbm));
}

// The structure that carries the arguments is the caller's: the function may read
// it and not write to it.
TEST_P(Arguments, AreReadOnly)
{
    Instance sbm(options());
    int arguments[2] = {1, 2};
    const int returned = sbm_exec_arguments(sbm, overwrite_arguments, arguments, sizeof arguments);
    if (!is_strong()) {
        EXPECT_EQ(returned, 0);
        return;
    }
    ASSERT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY));
    EXPECT_EQ(sbm_fault(sbm)->access, SBM_ACCESS_WRITE);
    EXPECT_EQ(arguments[0], 1);
}

// The other levels jump wherever they are told.
TEST_P(Target, IsNoFunctionOfTheProgram)
{
    Instance sbm(options());
    int data = 0;
    const auto nowhere = reinterpret_cast<sbm_func>(reinterpret_cast<uintptr_t>(&data));
    EXPECT_EQ(sbm_exec(sbm, nowhere, nullptr), -EINVAL);
    EXPECT_STRNE(sbm_error_text(sbm), "");
}

TEST_P(Arguments, TheWholeInterfaceFromC)
{
    if (is_module())
        GTEST_SKIP() << "tests/modules has a test in C of instances of modules";
    EXPECT_EQ(whole_use_in_c(level()), 0);
}

// Leaves its mark where the next function's variables will be.
__attribute__((noinline)) void dirty_stack()
{
    volatile unsigned char bytes[4096];
    for (volatile unsigned char &byte : bytes)
        byte = 0xa5;
}

// What the caller's stack held must not reach the cell between the arguments.
TEST_P(Arguments, PaddingIsZero)
{
    using Block = struct __sbm_arg_show_arguments;
    Instance sbm(options());
    std::array<unsigned char, sizeof(Block)> bytes{}, expected{};
    unsigned char *out = SBM_COPY_OUT(sbm, bytes.data(), bytes.size());
    const cell_numbers numbers = {1, 2, 3};
    dirty_stack();
    ASSERT_EQ(sbm_call(sbm, show_arguments, 1, 2, numbers, 3, out), 0);
    const auto place = [&](size_t offset, const auto &value, size_t size = 0) {
        std::memcpy(expected.data() + offset, &value, size ? size : sizeof value);
    };
    constexpr size_t kLongDoubleBytes = 10; // of 16
    place(offsetof(Block, a), static_cast<signed char>(1));
    place(offsetof(Block, b), uint64_t{2});
    place(offsetof(Block, c) + offsetof(cell_numbers, a), numbers.a);
    place(offsetof(Block, c) + offsetof(cell_numbers, b), numbers.b, kLongDoubleBytes);
    place(offsetof(Block, c) + offsetof(cell_numbers, c), numbers.c);
    place(offsetof(Block, d), char{3});
    place(offsetof(Block, out), out);
    EXPECT_EQ(bytes, expected);
}

} // namespace
