// SPDX-License-Identifier: Apache-2.0
//
// Ordinary C++ in sample.cpp, running on the runtime.
#include "test_cell.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sbm::test {
namespace {

class SampleTest : public testing::Test {
protected:
    void SetUp() override
    {
#ifdef __SANITIZE_ADDRESS__
        GTEST_SKIP() << "AddressSanitizer forbids RTLD_DEEPBIND, by which the sample is bound";
#else
        // The object stays loaded while a cell uses it, and its heap is set up once.
        static TestCell shared(4U << 20, SBM_RUNTIME_SAMPLE);
        cell = &shared;
#endif
    }
    std::string report(const char *name)
    {
        return cell->run(cell->function<void()>(name)).value_or("it returned");
    }

    TestCell *cell = nullptr;
};

TEST_F(SampleTest, RunsContainersInTheCellsHeap)
{
    const auto heap = cell->heap();
    const auto free_before = std::count(heap.begin(), heap.end(), 0);
    EXPECT_EQ(cell->function<int(int)>("sample_containers")(1000), 999);
    EXPECT_LT(std::count(heap.begin(), heap.end(), 0), free_before - 100'000);
}

TEST_F(SampleTest, RunsPolymorphicCode)
{
    // 4 sides and the name's 63 characters, then 0 sides; 2 + ten times that.
    EXPECT_EQ(cell->function<int()>("sample_polymorphism")(), 2 + (4 + 63) * 10);
}

TEST_F(SampleTest, RunsCFunctions)
{
    EXPECT_EQ(cell->function<int(const char *)>("sample_number")("37"), 42);
    EXPECT_EQ(cell->function<int(const char *)>("sample_character_classes")("a1 B\xe4!"), 2);
    EXPECT_EQ(cell->function<int()>("sample_setjmp")(), 30);
    EXPECT_EQ(cell->function<int()>("sample_nothrow_new")(), 1);
}

TEST_F(SampleTest, InitialisesStaticsOnce)
{
    const auto function = cell->function<int()>("sample_static_local");
    EXPECT_EQ(function(), 113);
    EXPECT_EQ(function(), 113);
}

TEST_F(SampleTest, ReportsExceptions)
{
    const std::string rest = ", and exceptions do not work in in-place functions";
    EXPECT_EQ(report("sample_throw_runtime_error"), "threw an exception of type St13runtime_error" +
                                                        rest + "; it says: the input is bad");
    EXPECT_EQ(report("sample_throw_derived"),
              "threw an exception of type Z20sample_throw_derivedE5Local" + rest +
                  "; it says: beyond the end");
    EXPECT_EQ(report("sample_throw_int"), "threw an exception of type i" + rest);
    EXPECT_EQ(report("sample_cast_reference"),
              "a dynamic_cast to a reference failed (std::bad_cast)" + rest);
    EXPECT_EQ(report("sample_vector_at").rfind("std::__throw_out_of_range_fmt(\"vector::", 0), 0U);
    const auto bad_number =
        cell->run([&] { cell->function<int(const char *)>("sample_number")("x"); });
    ASSERT_TRUE(bad_number);
    EXPECT_EQ(*bad_number, "std::__throw_invalid_argument(\"stoi\") was called" + rest);
}

// The block's address is what the host says, whatever the module's number.
TEST_F(SampleTest, FindsThreadLocalVariables)
{
    int block[16] = {};
    cell->mailbox().tls_start = reinterpret_cast<std::uintptr_t>(block);
    const int *variable = cell->function<int *()>("sample_thread_local")();
    EXPECT_TRUE(variable >= block && variable < block + 16);
}

} // namespace
} // namespace sbm::test
