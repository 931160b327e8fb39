// SPDX-License-Identifier: Apache-2.0
//
// Policies from apparmor_parser: every profile of the installed packages, and
// sources whose permissions can be told by looking at them.
#include "cell.hpp"
#include "permissions.hpp"
#include "test_parser.hpp"
#include "test_reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace apparmor_policy::test {
namespace {

class Compiled : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (!have_parser())
            GTEST_SKIP() << "apparmor_parser is not installed; tools/setup installs it";
    }

    Policy unpack(const Bytes &input)
    {
        const auto outcome = cell_.unpack(input);
        if (const auto *failure = std::get_if<Failure>(&outcome)) {
            ADD_FAILURE() << failure->text;
            return {};
        }
        return std::get<Policy>(outcome);
    }

    // "owner/other", or why there is no answer.
    std::string access(const Bytes &input, const Profile &profile, const std::string &path)
    {
        const auto outcome = cell_.match(input, profile, path);
        if (const auto *failure = std::get_if<Failure>(&outcome))
            return failure->text;
        const Match &match = std::get<Match>(outcome);
        return access_letters(match.owner) + "/" + access_letters(match.other);
    }

    PolicyCell cell_;
};

std::vector<std::string> profile_names(const Policy &policy)
{
    std::vector<std::string> names;
    for (const Profile &profile : policy.profiles)
        names.push_back(profile.name);
    std::ranges::sort(names);
    return names;
}

TEST_F(Compiled, EveryProfileOfThePackages)
{
    std::size_t profiles = 0;
    const std::vector<std::string> files = profile_sources();
    if (files.empty())
        GTEST_SKIP() << "neither apparmor nor apparmor-profiles is installed";
    for (const std::string &file : files) {
        SCOPED_TRACE(file);
        const Bytes input = compile_file(file);
        ASSERT_FALSE(input.empty()) << "apparmor_parser refuses it";
        const Policy policy = unpack(input);
        EXPECT_EQ(profile_names(policy), names_in(file));
        EXPECT_EQ(reference_policy(input), policy);
        profiles += policy.profiles.size();
    }
    std::printf("%zu profiles in %zu files\n", profiles, files.size());
    EXPECT_GE(profiles, files.size());
}

constexpr const char *kSimple = R"(
/usr/bin/foo {
  /etc/passwd r,
  /tmp/** rw,
  /var/log/*.log a,
  owner /home/*/** rwk,
  /usr/lib/*.so mr,
  /usr/bin/bar ix,
  /link l,
  deny /tmp/secret rw,
}
)";

// The compiler itself adds append to write, and map to exec that inherits.
const std::vector<std::pair<std::string, std::string>> kSimpleAccess = {
    {"/etc/passwd", "r/r"},
    {"/etc/shadow", "none/none"},
    {"/etc/passwd2", "none/none"},
    {"/etc/passw", "none/none"},
    {"/tmp/a/b", "rwa/rwa"},
    {"/tmp/", "none/none"},
    {"/tmp/secret", "none/none"},
    {"/tmp/secrets", "rwa/rwa"},
    {"/var/log/x.log", "a/a"},
    {"/var/log/x/y.log", "none/none"},
    {"/home/ann/x", "rwak/none"},
    {"/home/ann", "none/none"},
    {"/usr/lib/libc.so", "rm/rm"},
    {"/usr/bin/bar", "xm/xm"},
    {"/link", "l/l"},
    {"relative", "none/none"},
};

TEST_F(Compiled, PermissionsThatTheSourceGrants)
{
    for (const char *features : {kFeatures3, kFeatures54}) {
        SCOPED_TRACE(features);
        for (const char *options : {"", "-O equiv", "-O no-minimize"}) {
            SCOPED_TRACE(options);
            const Bytes input = compile_text(kSimple, features, options);
            const Policy policy = unpack(input);
            ASSERT_EQ(policy.profiles.size(), 1u);
            for (const auto &[path, expected] : kSimpleAccess)
                EXPECT_EQ(access(input, policy.profiles[0], path), expected) << path;
        }
    }
}

TEST_F(Compiled, EquivalenceClassesAndDifferentialEncoding)
{
    const Bytes classes = compile_text(kSimple, kFeatures3, "-O equiv");
    EXPECT_LT(unpack(classes).profiles.at(0).file.dfa->classes, 256u);

    // No features file of the package asks for it, so one is made.
    const TemporaryFile features("file {mask {create read write exec append mmap_exec link lock\n"
                                 "}\n}\npolicy {diff_encode {yes\n}\nversions {v7 {yes\n}\n}\n}\n");
    const Bytes encoded = compile_text(kSimple, features.path());
    const Policy policy = unpack(encoded);
    ASSERT_EQ(policy.profiles.size(), 1u);
    ASSERT_TRUE(policy.profiles[0].file.dfa);
    EXPECT_EQ(policy.profiles[0].file.dfa->flags, std::uint32_t{POLICY_DFA_DIFF_ENCODE});
    for (const auto &[path, expected] : kSimpleAccess)
        EXPECT_EQ(access(encoded, policy.profiles[0], path), expected) << path;
}

TEST_F(Compiled, TheWalkAgreesWithAnotherWalker)
{
    const Bytes input = compile_text(kSimple);
    const Profile profile = unpack(input).profiles.at(0);
    for (const auto &[path, expected] : kSimpleAccess) {
        const auto match = cell_.match(input, profile, path);
        ASSERT_TRUE(std::holds_alternative<Match>(match));
        EXPECT_EQ(std::get<Match>(match).state,
                  reference_walk(input, *profile.file.dfa, profile.file.dfa->dfa_start, path));
    }
}

// The same DFA with its packed permissions moved to a table.
TEST_F(Compiled, NewStylePermissionsSayTheSame)
{
    const Bytes old = compile_text(kSimple);
    const Dfa dfa = unpack(old).profiles.at(0).file.dfa.value();
    const auto move = [](std::uint32_t packed) {
        return allowing((packed & 0xf) | (packed & 0x10) << 14 | (packed & 0x20) << 10 |
                        (packed & 0x40) << 10);
    };
    Bytes blob(old.begin() + dfa.begin, old.begin() + dfa.begin + dfa.size);
    std::vector<Perm> perms;
    const auto put = [&blob](std::size_t offset, std::uint32_t value) {
        for (std::size_t i = 0; i < 4; i++)
            blob[offset + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
    };
    for (std::uint32_t state = 0; state < dfa.states; state++) {
        const std::size_t accept = dfa.accept - dfa.begin + state * 4;
        const std::uint32_t packed = static_cast<std::uint32_t>(
            blob[accept] << 24 | blob[accept + 1] << 16 | blob[accept + 2] << 8 | blob[accept + 3]);
        perms.push_back(move(packed));
        perms.push_back(move(packed >> POLICY_OLD_OTHER_SHIFT));
        put(accept, state * 2);
        put(dfa.accept2 - dfa.begin + state * 4, POLICY_ACCEPT2_OWNER);
    }
    TestProfile profile;
    profile.file = [&](Stream &s) {
        write_perms(s, perms);
        s.blob(blob, "aadfa");
    };
    const Bytes input = profile.encode();
    const Policy policy = unpack(input);
    ASSERT_EQ(policy.profiles.size(), 1u);
    for (const auto &[path, expected] : kSimpleAccess)
        EXPECT_EQ(access(input, policy.profiles[0], path), expected) << path;
}

TEST_F(Compiled, FlagsLimitsHatsAndNamespaces)
{
    const Bytes input = compile_text(R"(
profile web /usr/{bin,sbin}/web flags=(complain, audit, attach_disconnected) {
  set rlimit nofile <= 100,
  set rlimit cpu <= 7,
  capability chown,
  capability bpf,
  audit capability kill,
  deny capability sys_admin,
  /bin/y Cx -> kid,
  /bin/z Px -> other,
  ^hat { /x r, }
  profile kid { /kid r, }
}
)");
    const Policy policy = unpack(input);
    ASSERT_EQ(policy.profiles.size(), 3u);
    const Profile &web = policy.profiles[0];
    EXPECT_EQ(web.name, "web");
    EXPECT_EQ(web.mode, POLICY_MODE_COMPLAIN);
    EXPECT_TRUE(web.audit);
    EXPECT_EQ(web.path_flags, 4u);
    EXPECT_EQ(web.flags, 0u);
    EXPECT_EQ(web.capabilities.allow, 1u | 1u << 5 | std::uint64_t{1} << 39);
    EXPECT_EQ(web.capabilities.audit, 1u << 5);
    EXPECT_EQ(web.capabilities.quiet, 1u << 21);
    EXPECT_EQ(web.rlimits, (std::vector<Rlimit>{{0, 7}, {7, 100}}));
    EXPECT_TRUE(web.xmatch.dfa && web.policydb.dfa && web.file.dfa);
    EXPECT_EQ(web.file.names.size(), 2u);
    EXPECT_NE(std::ranges::find(web.file.names, "web//kid"), web.file.names.end());
    EXPECT_EQ(profile_names(policy), (std::vector<std::string>{"web", "web//hat", "web//kid"}));
    for (const Profile &profile : policy.profiles)
        EXPECT_EQ(profile.flags, profile.name == "web//hat" ? std::uint32_t{POLICY_FLAG_HAT} : 0u);

    const Bytes other = compile_text("profile :ns:a flags=(kill) { /q w, }\n");
    EXPECT_EQ(unpack(other).name_space, "ns");
    EXPECT_EQ(unpack(other).profiles.at(0).mode, POLICY_MODE_KILL);
}

TEST_F(Compiled, ItemsOfPatchedKernelsAreRefusedByName)
{
    const Bytes input = compile_text("/bin/a { network inet stream, }\n", kFeaturesOutOfTree);
    ASSERT_FALSE(input.empty());
    const auto outcome = cell_.unpack(input);
    ASSERT_TRUE(std::holds_alternative<Failure>(outcome));
    EXPECT_EQ(std::get<Failure>(outcome).kind, Failure::Kind::kMalformed);
    EXPECT_EQ(std::get<Failure>(outcome).error, POLICY_ERROR_PROFILE_END);
}

} // namespace
} // namespace apparmor_policy::test
