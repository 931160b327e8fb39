// SPDX-License-Identifier: Apache-2.0
//
// The text of every report with which the runtime gives up.
#include "test_cell.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <new>

namespace sbm::test {
namespace {

class ReportTest : public testing::Test {
protected:
    template <class Function, class... Arguments>
    std::string report(const char *name, Arguments... arguments)
    {
        auto *function = cell.function<Function>(name);
        return cell.run([&] { function(arguments...); }).value_or("it returned");
    }

    TestCell cell{1U << 20};
};

TEST_F(ReportTest, Exits)
{
    EXPECT_EQ(report<void()>("abort"), "the function called abort()");
    EXPECT_EQ(report<void(int)>("exit", 3), "the function called exit(3)");
    EXPECT_EQ(report<void(int)>("_exit", -1), "the function called _exit(-1)");
    EXPECT_EQ(report<void(int)>("_Exit", 0), "the function called _Exit(0)");
    EXPECT_EQ(report<void(int)>("quick_exit", INT32_MIN),
              "the function called quick_exit(-2147483648)");
    EXPECT_EQ(report<void()>("_ZSt9terminatev"), "std::terminate() was called");
}

TEST_F(ReportTest, Assertions)
{
    using Assert = void(const char *, const char *, unsigned, const char *);
    EXPECT_EQ(report<Assert>("__assert_fail", "x > 0", "a.c", 12U, "f"),
              "assertion `x > 0' failed at a.c:12 in f");
    using Perror = void(int, const char *, unsigned, const char *);
    EXPECT_EQ(report<Perror>("__assert_perror_fail", 5, "a.c", 12U, "f"),
              "unexpected error 5 at a.c:12 in f");
    using CxxAssert = void(const char *, int, const char *, const char *);
    EXPECT_EQ(report<CxxAssert>("_ZSt21__glibcxx_assert_failPKciS0_S0_", "vector", 3, "at()",
                                "n < size()"),
              "assertion `n < size()' failed at vector:3 in at()");
}

TEST_F(ReportTest, Hardening)
{
    EXPECT_EQ(report<void()>("__stack_chk_fail"), "stack smashing detected");
    EXPECT_EQ(report<void()>("__stack_chk_fail_local"), "stack smashing detected");
    EXPECT_EQ(report<void()>("__chk_fail"), "buffer overflow detected");
    EXPECT_EQ(report<void(const char *)>("__fortify_fail", "stack smashing"),
              "stack smashing detected");
    EXPECT_EQ(report<void()>("__cxa_pure_virtual"), "a pure virtual function was called");
    EXPECT_EQ(report<void()>("__cxa_deleted_virtual"), "a deleted virtual function was called");
}

TEST_F(ReportTest, RecursiveInitialisation)
{
    std::uint64_t guard = 0;
    auto *acquire = cell.function<int(std::uint64_t *)>("__cxa_guard_acquire");
    EXPECT_EQ(acquire(&guard), 1);
    EXPECT_EQ(report<int(std::uint64_t *)>("__cxa_guard_acquire", &guard),
              "a static variable was reached again during its own initialisation");
}

TEST_F(ReportTest, OutOfMemory)
{
    const std::string text = " bytes failed: out of memory in the cell (1 MiB)";
    EXPECT_EQ(report<void *(std::size_t)>("_Znwm", std::size_t{2'000'000}),
              "operator new of 2000000" + text);
    EXPECT_EQ(report<void *(std::size_t)>("_Znam", SIZE_MAX),
              "operator new of 18446744073709551615" + text);
    using Aligned = void *(std::size_t, std::size_t);
    EXPECT_EQ(report<Aligned>("_ZnwmSt11align_val_t", std::size_t{1U << 20}, std::size_t{64}),
              "operator new of 1048576" + text);
    EXPECT_EQ(report<Aligned>("_ZnamSt11align_val_t", std::size_t{1U << 20}, std::size_t{64}),
              "operator new of 1048576" + text);
    cell.mailbox().heap_size = 4096;
    EXPECT_EQ(report<void *(std::size_t)>("_Znwm", std::size_t{1} << 40),
              "operator new of 1099511627776 bytes failed: out of memory in the cell (4 KiB)");
}

TEST_F(ReportTest, ThrowFunctionsWithMessage)
{
    const std::pair<const char *, const char *> functions[] = {
        {"_ZSt19__throw_logic_errorPKc", "__throw_logic_error"},
        {"_ZSt20__throw_domain_errorPKc", "__throw_domain_error"},
        {"_ZSt24__throw_invalid_argumentPKc", "__throw_invalid_argument"},
        {"_ZSt20__throw_length_errorPKc", "__throw_length_error"},
        {"_ZSt20__throw_out_of_rangePKc", "__throw_out_of_range"},
        {"_ZSt21__throw_runtime_errorPKc", "__throw_runtime_error"},
        {"_ZSt19__throw_range_errorPKc", "__throw_range_error"},
        {"_ZSt22__throw_overflow_errorPKc", "__throw_overflow_error"},
        {"_ZSt23__throw_underflow_errorPKc", "__throw_underflow_error"},
    };
    for (const auto &[symbol, name] : functions)
        EXPECT_EQ(report<void(const char *)>(symbol, "vector::reserve"),
                  std::string("std::") + name +
                      "(\"vector::reserve\") was called, and exceptions do not work in in-place "
                      "functions");
    using Format = void(const char *, ...);
    EXPECT_EQ(report<Format>("_ZSt24__throw_out_of_range_fmtPKcz", "at: %zu >= %zu", std::size_t{7},
                             std::size_t{5}),
              "std::__throw_out_of_range_fmt(\"at: 7 >= 5\") was called, and exceptions do not "
              "work in in-place functions");
}

TEST_F(ReportTest, ThrowFunctionsWithoutMessage)
{
    const std::pair<const char *, const char *> functions[] = {
        {"_ZSt21__throw_bad_exceptionv", "__throw_bad_exception()"},
        {"_ZSt17__throw_bad_allocv", "__throw_bad_alloc()"},
        {"_ZSt28__throw_bad_array_new_lengthv", "__throw_bad_array_new_length()"},
        {"_ZSt16__throw_bad_castv", "__throw_bad_cast()"},
        {"_ZSt18__throw_bad_typeidv", "__throw_bad_typeid()"},
        {"_ZSt25__throw_bad_function_callv", "__throw_bad_function_call()"},
        {"_ZSt20__throw_system_errori", "__throw_system_error(22)"},
        {"_ZSt20__throw_future_errori", "__throw_future_error(22)"},
    };
    for (const auto &[symbol, name] : functions)
        EXPECT_EQ(report<void(int)>(symbol, 22),
                  std::string("std::") + name +
                      " was called, and exceptions do not work in in-place functions");
}

TEST_F(ReportTest, ExceptionMachinery)
{
    const std::pair<const char *, const char *> functions[] = {
        {"__cxa_rethrow", "rethrew an exception"},
        {"__cxa_begin_catch", "entered a handler of exceptions"},
        {"__cxa_end_catch", "left a handler of exceptions"},
        {"__cxa_get_exception_ptr", "entered a handler of exceptions"},
        {"__cxa_bad_cast", "a dynamic_cast to a reference failed (std::bad_cast)"},
        {"__cxa_bad_typeid", "typeid was asked of a null pointer (std::bad_typeid)"},
        {"__cxa_throw_bad_array_new_length",
         "new of an array with a bad length (std::bad_array_new_length)"},
        {"_Unwind_Resume", "resumed the unwinding of an exception"},
        {"__gxx_personality_v0", "an exception looked for its handler"},
    };
    for (const auto &[symbol, text] : functions)
        EXPECT_EQ(report<void(void *)>(symbol, nullptr),
                  std::string(text) + ", and exceptions do not work in in-place functions");
    EXPECT_EQ(report<void *(std::size_t)>("__cxa_allocate_exception", std::size_t{2U << 20}),
              "threw an exception, for which there was no memory, and exceptions do not work in "
              "in-place functions");
}

// A report never leaves its room, and says what fits.
TEST_F(ReportTest, IsCutToTheMailbox)
{
    const std::string long_text(5000, 'x');
    std::memset(cell.mailbox().report, '!', sizeof cell.mailbox().report);
    const auto text = report<void(const char *)>("__fortify_fail", long_text.c_str());
    EXPECT_EQ(text, std::string(SBM_REPORT_BYTES - 1, 'x'));
    EXPECT_EQ(report<void(const char *)>("__fortify_fail", nullptr), "(null) detected");
}

TEST_F(ReportTest, FortifiedFunctions)
{
    char to[8] = "abc";
    const char *text = "12345678";
    using Copy = void *(void *, const void *, std::size_t, std::size_t);
    using Set = void *(void *, int, std::size_t, std::size_t);
    using Zero = void(void *, std::size_t, std::size_t);
    using String = char *(char *, const char *, std::size_t);
    using Bounded = char *(char *, const char *, std::size_t, std::size_t);
    using Print = int(char *, int, std::size_t, const char *, ...);
    using PrintBounded = int(char *, std::size_t, int, std::size_t, const char *, ...);
    const std::size_t nine = 9;
    const std::size_t eight = 8;
    const std::string detected = "buffer overflow detected in ";
    for (const std::string name : {"memcpy", "memmove", "mempcpy"})
        EXPECT_EQ(report<Copy>(("__" + name + "_chk").c_str(), to, text, nine, eight),
                  detected + name);
    EXPECT_EQ(report<Set>("__memset_chk", to, 0, nine, eight), detected + "memset");
    EXPECT_EQ(report<Zero>("__explicit_bzero_chk", to, nine, eight), detected + "explicit_bzero");
    for (const std::string name : {"strcpy", "stpcpy", "strcat"})
        EXPECT_EQ(report<String>(("__" + name + "_chk").c_str(), to, text, eight), detected + name);
    for (const std::string name : {"strncpy", "stpncpy", "strlcpy", "strlcat"})
        EXPECT_EQ(report<Bounded>(("__" + name + "_chk").c_str(), to, text, nine, eight),
                  detected + name);
    EXPECT_EQ(report<Bounded>("__strncat_chk", to, text, std::size_t{5}, eight),
              detected + "strncat");
    EXPECT_EQ(report<Bounded>("__strncat_chk", to, text, std::size_t{4}, eight), "it returned");
    EXPECT_STREQ(to, "abc1234");
    EXPECT_EQ(report<Print>("__sprintf_chk", to, 1, eight, "%s", text), detected + "sprintf");
    EXPECT_EQ(report<Print>("__sprintf_chk", to, 1, eight, "%.7s", text), "it returned");
    EXPECT_EQ(report<Print>("__sprintf_chk", to, 1, SIZE_MAX, "%.6s", text), "it returned");
    EXPECT_STREQ(to, "123456");
    EXPECT_EQ(report<PrintBounded>("__snprintf_chk", to, nine, 1, eight, "x"),
              detected + "snprintf");
    EXPECT_EQ(report<PrintBounded>("__snprintf_chk", to, eight, 1, eight, "%s", text),
              "it returned");
    EXPECT_STREQ(to, "1234567");
}

} // namespace
} // namespace sbm::test
