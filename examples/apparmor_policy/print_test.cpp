// SPDX-License-Identifier: Apache-2.0
//
// What is printed, and that nothing in a policy can steer a terminal.
#include "names.hpp"
#include "permissions.hpp"
#include "print.hpp"
#include "test_reference.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace apparmor_policy::test {
namespace {

Policy full_policy(const std::string &name = "/bin/test")
{
    TestProfile profile = full_profile();
    profile.name = name;
    return reference_policy(profile.encode()).value();
}

TEST(Print, Text)
{
    const std::string text = profile_text(full_policy().profiles.at(0));
    for (const char *line :
         {"profile /bin/test\n", "  attachment   /bin/{a,b}\n", "  mode         kill\n",
          "  flags        debug1, audits all\n", "  path flags   0x4\n",
          "  capabilities chown dac_override setfcap checkpoint_restore\n",
          "    audited    chown\n", "    quiet      kill mac_override\n", "  rlimit       cpu 10\n",
          "  rlimit       data infinity\n", "  xattrs       user.a security.b\n",
          "  secmark      system_u:object_r:x allow audit\n", "  data         one, 3 octets\n",
          "  xmatch       3 states, 512 transitions, 128 classes, differentially encoded, "
          "out-of-band transitions\n",
          "  policydb     3 states, 512 transitions, 256 classes, 3 permissions\n",
          "  file         3 states, 512 transitions, 256 classes, leads to /bin/child :ns:prof\n"})
        EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
}

TEST(Print, Json)
{
    const nlohmann::json json = profile_json(full_policy().profiles.at(0));
    EXPECT_EQ(json["name"], "/bin/test");
    EXPECT_EQ(json["mode"], "kill");
    EXPECT_EQ(json["version"], 5);
    EXPECT_EQ(json["capabilities"]["audit"], nlohmann::json::array({"chown"}));
    EXPECT_EQ(json["rlimits"]["data"], "infinity");
    EXPECT_EQ(json["xmatch"]["classes"], 128);
    EXPECT_EQ(json["policydb"]["permissions"], 3);
    EXPECT_EQ(json["file"]["names"][1], ":ns:prof");
    EXPECT_EQ(json["data"]["two"], 0);
}

TEST(Print, ControlCharactersAreEscaped)
{
    const Policy policy = full_policy("evil\x1b[2J\xff");
    EXPECT_EQ(profile_text(policy.profiles.at(0)).find('\x1b'), std::string::npos);
    EXPECT_EQ(profile_json(policy.profiles.at(0))["name"], "evil\\x1b[2J\\xff");
}

TEST(Print, Access)
{
    const PathAccess access{"/x", {2, 0, 0, kAccessRead | kAccessWrite, 0}};
    EXPECT_EQ(access_text(access), "  match        /x: owner rw, other none\n");
    EXPECT_EQ(access_json(access)["state"], 2);
    EXPECT_EQ(access_letters(0x7f), "rwaxmkl");
}

TEST(Names, NumbersWithoutANameAreShownAsNumbers)
{
    EXPECT_EQ(capability_names(std::uint64_t{1} << 63),
              (std::vector<std::string>{"capability 63"}));
    EXPECT_EQ(capability_names(std::uint64_t{1} << 40),
              (std::vector<std::string>{"checkpoint_restore"}));
    EXPECT_EQ(flag_names(9), (std::vector<std::string>{"hat", "0x8"}));
    EXPECT_EQ(rlimit_name(15), "rttime");
    EXPECT_EQ(rlimit_name(16), "?");
    EXPECT_STREQ(error_name(POLICY_ERROR_COUNT), "?");
    EXPECT_STREQ(error_name(POLICY_ERROR_DIFF_LOOP), "DIFF_LOOP");
}

} // namespace
} // namespace apparmor_policy::test
