// SPDX-License-Identifier: Apache-2.0
//
// Which level an instance gets, and what is said when it cannot be had.
#include "instance.hpp"

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using conformance::AtTarget;
using conformance::Instance;

namespace {

class LevelVariable {
public:
    explicit LevelVariable(const char *name) { setenv("SBM_LEVEL", name, 1); }
    ~LevelVariable() { unsetenv("SBM_LEVEL"); }
    LevelVariable(const LevelVariable &) = delete;
    LevelVariable &operator=(const LevelVariable &) = delete;
};

bool has(enum sbm_level level)
{
    char reason[256];
    return !sbm_level_missing(level, reason, sizeof reason);
}

class Level : public AtTarget {};
IN_PLACE_AT_EVERY_LEVEL(Level);

TEST_P(Level, ByName)
{
    Instance sbm(options());
    EXPECT_EQ(sbm_level(sbm), level());
}

TEST_P(Level, ByTheEnvironment)
{
    const LevelVariable variable(sbm_level_name(level()));
    struct sbm sbm;
    EXPECT_EQ(sbm_init(&sbm), 0);
    EXPECT_EQ(sbm_level(&sbm), level());
    EXPECT_EQ(sbm_call(&sbm, no_parameter), 17);
    sbm_destroy(&sbm);
}

TEST_P(Level, ByNameGoesBeforeTheEnvironment)
{
    const LevelVariable variable(level() == SBM_LEVEL_NONE ? "weak" : "none");
    Instance sbm(options());
    EXPECT_EQ(sbm_level(sbm), level());
}

TEST(LevelOfTheEnvironment, WithAnUnknownNameIsMisuse)
{
    for (const char *name : {"", "VM", "weak ", "3", "kvm", "strong", "none,weak"}) {
        const LevelVariable variable(name);
        struct sbm sbm;
        EXPECT_EQ(sbm_init(&sbm), -EINVAL) << name;
        EXPECT_EQ(sbm_error(&sbm), -EINVAL);
        EXPECT_NE(std::strstr(sbm_error_text(&sbm), "SBM_LEVEL"), nullptr) << sbm_error_text(&sbm);
        EXPECT_NE(std::strstr(sbm_error_text(&sbm), name), nullptr);
        EXPECT_EQ(sbm_level(&sbm), SBM_LEVEL_STRONGEST);
        EXPECT_EQ(sbm_call(&sbm, no_parameter), -EINVAL);
        EXPECT_EQ(sbm_reset(&sbm), -EINVAL);
        sbm_destroy(&sbm);
        EXPECT_EQ(sbm_error(&sbm), -EINVAL);
    }
}

TEST(LevelOfTheEnvironment, MayBeStrongest)
{
    const LevelVariable variable("strongest");
    struct sbm sbm;
    ASSERT_EQ(sbm_init(&sbm), 0);
    EXPECT_EQ(sbm_level(&sbm), has(SBM_LEVEL_VM) ? SBM_LEVEL_VM : SBM_LEVEL_PROCESS);
    sbm_destroy(&sbm);
}

TEST(LevelByDefault, IsTheStrongest)
{
    struct sbm sbm;
    ASSERT_EQ(sbm_init(&sbm), 0);
    EXPECT_EQ(sbm_level(&sbm), has(SBM_LEVEL_VM) ? SBM_LEVEL_VM : SBM_LEVEL_PROCESS);
    EXPECT_EQ(sbm_call(&sbm, no_parameter), 17);
    sbm_destroy(&sbm);
}

TEST(LevelNames, GoBothWays)
{
    for (const enum sbm_level level :
         {SBM_LEVEL_STRONGEST, SBM_LEVEL_NONE, SBM_LEVEL_WEAK, SBM_LEVEL_PROCESS, SBM_LEVEL_VM}) {
        enum sbm_level found = SBM_LEVEL_STRONGEST;
        EXPECT_EQ(sbm_level_from_name(sbm_level_name(level), &found), 0);
        EXPECT_EQ(found, level);
    }
    EXPECT_STREQ(sbm_level_name(std::bit_cast<enum sbm_level>(99)), "?");
    EXPECT_STREQ(sbm_level_name(std::bit_cast<enum sbm_level>(-1)), "?");
    enum sbm_level untouched = SBM_LEVEL_WEAK;
    EXPECT_EQ(sbm_level_from_name("wasm", &untouched), -EINVAL);
    EXPECT_EQ(sbm_level_from_name(nullptr, &untouched), -EINVAL);
    EXPECT_EQ(untouched, SBM_LEVEL_WEAK);
}

TEST(LevelNumber, UnknownIsMisuse)
{
    for (const int number : {5, 99, -1}) {
        sbm_options options{};
        options.level = std::bit_cast<enum sbm_level>(number);
        struct sbm sbm;
        EXPECT_EQ(sbm_init_with(&sbm, &options), -EINVAL);
        EXPECT_STRNE(sbm_error_text(&sbm), "");
        sbm_destroy(&sbm);
        char reason[64] = "";
        EXPECT_NE(sbm_level_missing(options.level, reason, sizeof reason), nullptr);
        EXPECT_STRNE(reason, "");
    }
}

TEST(LevelMissing, CutsItsReason)
{
    char reason[8] = "1234567";
    EXPECT_NE(sbm_level_missing(std::bit_cast<enum sbm_level>(99), reason, 5), nullptr);
    EXPECT_EQ(std::strlen(reason), 4U);
    EXPECT_EQ(reason[5], '6');
    EXPECT_NE(sbm_level_missing(std::bit_cast<enum sbm_level>(99), reason, 0), nullptr);
    EXPECT_NE(sbm_level_missing(std::bit_cast<enum sbm_level>(99), nullptr, 0), nullptr);
}

// A level that is asked for is given or refused, never replaced.
TEST(LevelMissing, AgreesWithInit)
{
    sbm_options options{};
    options.level = SBM_LEVEL_VM;
    char reason[256] = "";
    const bool missing = sbm_level_missing(SBM_LEVEL_VM, reason, sizeof reason) != nullptr;
    struct sbm sbm;
    EXPECT_EQ(sbm_init_with(&sbm, &options), missing ? -ENOSYS : 0);
    EXPECT_STREQ(sbm_error_text(&sbm), reason);
    EXPECT_EQ(sbm_level(&sbm), missing ? SBM_LEVEL_STRONGEST : SBM_LEVEL_VM);
    sbm_destroy(&sbm);
}

// In a child that may not open /dev/kvm: 0, or the line of the check that failed.
int look_for_kvm_in_vain()
{
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
        return 1;
    if (open("/dev/kvm", O_RDWR | O_CLOEXEC) >= 0)
        return 2;
    sbm_options options{};
    options.level = SBM_LEVEL_VM;
    struct sbm sbm;
    if (sbm_init_with(&sbm, &options) != -ENOSYS || sbm_level(&sbm) != SBM_LEVEL_STRONGEST)
        return 3;
    if (!std::strstr(sbm_error_text(&sbm), "/dev/kvm"))
        return 4;
    char reason[256] = "";
    if (!sbm_level_missing(SBM_LEVEL_VM, reason, sizeof reason) || !reason[0])
        return 5;
    sbm_destroy(&sbm);
    if (sbm_init(&sbm) != 0 || sbm_level(&sbm) != SBM_LEVEL_PROCESS)
        return 6;
    sbm_destroy(&sbm);
    return 0;
}

TEST(LevelMissing, WithoutAccessToKvm)
{
    if (geteuid() != 0)
        GTEST_SKIP() << "only root can give up its access";
    const pid_t child = fork();
    if (child == 0)
        _exit(look_for_kvm_in_vain());
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2)
        GTEST_SKIP() << "everybody may open /dev/kvm here";
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Options, AllZeroAreTheDefaults)
{
    const conformance::Options zero{};
    Instance with_zero(zero);
    EXPECT_EQ(sbm_call(with_zero, no_parameter), 17);
    struct sbm sbm;
    EXPECT_EQ(sbm_init_with(&sbm, nullptr), 0);
    EXPECT_EQ(sbm_call(&sbm, no_parameter), 17);
    sbm_destroy(&sbm);
}

TEST(Version, HasThreeParts)
{
    int parts[3] = {-1, -1, -1};
    EXPECT_EQ(std::sscanf(sbm_version(), "%d.%d.%d", &parts[0], &parts[1], &parts[2]), 3);
}

} // namespace
