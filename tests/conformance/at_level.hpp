// SPDX-License-Identifier: Apache-2.0
//
// The fixture of every test that runs at each level. A level that this machine
// does not offer is skipped with the library's own reason; only `vm` may be.
#pragma once

#include <sbm/types.h>

#include <gtest/gtest.h>

#include <chrono>
#include <sched.h>
#include <string>
#include <string_view>

namespace conformance {

// Instrumented programs cannot be watched dying: the sanitizer ends them in its
// own way, and threads may not be forked.
#ifdef SBM_TEST_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// ThreadSanitizer holds signals back until the thread makes a system call, so that `weak`
// cannot interrupt a loop; and its own handler does not survive the alignment check.
inline void skip_where_signals_wait(enum sbm_level level)
{
#ifdef __SANITIZE_THREAD__
    if (level == SBM_LEVEL_WEAK)
        GTEST_SKIP() << "level weak needs signals that ThreadSanitizer holds back";
#else
    static_cast<void>(level);
#endif
}

inline void skip_without(enum sbm_level level)
{
    char reason[256] = "";
    if (!sbm_level_missing(level, reason, sizeof reason))
        return;
    ASSERT_EQ(level, SBM_LEVEL_VM) << reason;
    GTEST_SKIP() << "no level vm here: " << reason;
}

inline std::string level_name(const testing::TestParamInfo<enum sbm_level> &info)
{
    return sbm_level_name(info.param);
}

// Is this test of an instance whose apps make hot calls (AT_STRONG_LEVELS_AND_HOT)?
inline bool is_hot()
{
    const auto *suite = testing::UnitTest::GetInstance()->current_test_suite();
    return std::string_view(suite->name()).starts_with("Hot/");
}
// For AppOptions.
inline std::chrono::nanoseconds spin()
{
    return std::chrono::microseconds(is_hot() ? 50 : 0);
}
inline void skip_without_processors()
{
    cpu_set_t allowed;
    if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) < 2)
        GTEST_SKIP() << "hot calls need two processors";
}

class AtLevel : public testing::TestWithParam<enum sbm_level> {
protected:
    void SetUp() override
    {
        skip_without(level());
        if (is_hot())
            skip_without_processors();
    }

    static enum sbm_level level() { return GetParam(); }
    static sbm_options options() { return {level(), 0, 0, 0, 0, SBM_GUARD_DEFAULT}; }

    // Does the level keep the program's memory from the code in the cell?
    static bool is_strong() { return level() >= SBM_LEVEL_PROCESS; }
    // Does it call the function with the caller's own buffers?
    static bool is_direct() { return level() == SBM_LEVEL_NONE; }
};

} // namespace conformance

// Tests of `suite` are then called suite.Test/none, /weak, /process and /vm.
#define AT_EVERY_LEVEL(suite)                                                                      \
    INSTANTIATE_TEST_SUITE_P(                                                                      \
        , suite, testing::Values(SBM_LEVEL_NONE, SBM_LEVEL_WEAK, SBM_LEVEL_PROCESS, SBM_LEVEL_VM), \
        conformance::level_name)

// For what a plain call would turn into the program's own crash or corruption.
#define AT_GUARDED_LEVELS(suite)                                                                   \
    INSTANTIATE_TEST_SUITE_P(, suite,                                                              \
                             testing::Values(SBM_LEVEL_WEAK, SBM_LEVEL_PROCESS, SBM_LEVEL_VM),     \
                             conformance::level_name)

// For promises that only another address space can keep.
#define AT_STRONG_LEVELS(suite)                                                                    \
    INSTANTIATE_TEST_SUITE_P(, suite, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),            \
                             conformance::level_name)

// The same, and once more with hot calls, where the fixture hands on conformance::spin().
#define AT_STRONG_LEVELS_AND_HOT(suite)                                                            \
    INSTANTIATE_TEST_SUITE_P(Level, suite, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),       \
                             conformance::level_name);                                             \
    INSTANTIATE_TEST_SUITE_P(Hot, suite, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),         \
                             conformance::level_name)
