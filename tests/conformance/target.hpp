// SPDX-License-Identifier: Apache-2.0
//
// What most of the suite runs at: functions in place at every level, and those of a module
// at the levels that run modules.
#pragma once

#include "at_level.hpp"
#include "kinds/kind.hpp"

namespace conformance {

struct Target {
    Target(enum sbm_level level, kinds::Kind kind = kinds::Kind::in_place)
        : level(level), kind(kind)
    {
    }
    enum sbm_level level;
    kinds::Kind kind;
};

struct Options : sbm_options {
    kinds::Kind kind = kinds::Kind::in_place;
};

inline std::string target_name(const Target &target)
{
    return std::string(sbm_level_name(target.level)) +
           (target.kind == kinds::Kind::module ? "_module" : "");
}
inline std::string name_of_target(const testing::TestParamInfo<Target> &info)
{
    return target_name(info.param);
}
inline void PrintTo(const Target &target, std::ostream *stream)
{
    *stream << target_name(target);
}

// As AtLevel.
class AtTarget : public testing::TestWithParam<Target> {
protected:
    void SetUp() override { skip_without(level()); }

    static enum sbm_level level() { return GetParam().level; }
    static bool is_module() { return GetParam().kind == kinds::Kind::module; }
    static Options options() { return {{level(), 0, 0, 0, 0, SBM_GUARD_DEFAULT}, GetParam().kind}; }

    static bool is_strong() { return level() >= SBM_LEVEL_PROCESS; }
    static bool is_direct() { return level() == SBM_LEVEL_NONE; }
};

} // namespace conformance

#define CONFORMANCE_AT_(suite, ...)                                                                \
    INSTANTIATE_TEST_SUITE_P(, suite, testing::Values(__VA_ARGS__), conformance::name_of_target)
#define CONFORMANCE_TARGET_(level) conformance::Target(level)
#define CONFORMANCE_STRONG_                                                                        \
    CONFORMANCE_TARGET_(SBM_LEVEL_PROCESS), CONFORMANCE_TARGET_(SBM_LEVEL_VM),                     \
        CONFORMANCE_MODULE_(SBM_LEVEL_PROCESS), CONFORMANCE_MODULE_(SBM_LEVEL_VM)
#define CONFORMANCE_MODULE_(level) conformance::Target(level, kinds::Kind::module)

// Tests of `suite` are then called suite.Test/none, /weak, /process, /vm, /process_module
// and /vm_module; see at_level.hpp for which to take.
#define AT_EVERY_TARGET(suite)                                                                     \
    CONFORMANCE_AT_(suite, CONFORMANCE_TARGET_(SBM_LEVEL_NONE),                                    \
                    CONFORMANCE_TARGET_(SBM_LEVEL_WEAK), CONFORMANCE_STRONG_)
#define AT_GUARDED_TARGETS(suite)                                                                  \
    CONFORMANCE_AT_(suite, CONFORMANCE_TARGET_(SBM_LEVEL_WEAK), CONFORMANCE_STRONG_)
#define AT_STRONG_TARGETS(suite) CONFORMANCE_AT_(suite, CONFORMANCE_STRONG_)
// What modules do not have, such as proxies.
#define IN_PLACE_AT_EVERY_LEVEL(suite)                                                             \
    CONFORMANCE_AT_(suite, CONFORMANCE_TARGET_(SBM_LEVEL_NONE),                                    \
                    CONFORMANCE_TARGET_(SBM_LEVEL_WEAK), CONFORMANCE_TARGET_(SBM_LEVEL_PROCESS),   \
                    CONFORMANCE_TARGET_(SBM_LEVEL_VM))
#define IN_PLACE_AT_GUARDED_LEVELS(suite)                                                          \
    CONFORMANCE_AT_(suite, CONFORMANCE_TARGET_(SBM_LEVEL_WEAK),                                    \
                    CONFORMANCE_TARGET_(SBM_LEVEL_PROCESS), CONFORMANCE_TARGET_(SBM_LEVEL_VM))
#define IN_PLACE_AT_STRONG_LEVELS(suite)                                                           \
    CONFORMANCE_AT_(suite, CONFORMANCE_TARGET_(SBM_LEVEL_PROCESS),                                 \
                    CONFORMANCE_TARGET_(SBM_LEVEL_VM))
