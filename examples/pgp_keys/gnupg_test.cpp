// SPDX-License-Identifier: Apache-2.0
//
// The same files given to GnuPG: same keys, same fingerprints, same user ids, same
// sizes and dates. GnuPG runs with an empty home directory that is removed again.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "key_ring.hpp"
#include "print.hpp"
#include "test_support.hpp"
#include "text.hpp"

namespace pgp::test {
namespace {

class Gnupg : public testing::Test {
protected:
    void SetUp() override
    {
        if (std::system("gpg --version >/dev/null 2>&1") != 0)
            GTEST_SKIP() << "gpg is not installed";
        std::string name = testing::TempDir() + "pgp_keys.XXXXXX";
        ASSERT_TRUE(::mkdtemp(name.data()));
        home_ = name;
    }
    void TearDown() override
    {
        std::error_code error;
        if (!home_.empty())
            std::filesystem::remove_all(home_, error);
    }

    // What gpg prints; `arguments` are words of this file, no input of others.
    std::string gpg(const std::string &arguments) const
    {
        const std::string command = "gpg --homedir '" + home_ + "' --no-options --batch --quiet " +
                                    arguments + " 2>/dev/null";
        std::unique_ptr<std::FILE, int (*)(std::FILE *)> pipe(::popen(command.c_str(), "r"),
                                                              ::pclose);
        std::string text;
        std::array<char, 4096> part{};
        while (pipe) {
            const std::size_t size = std::fread(part.data(), 1, part.size(), pipe.get());
            if (size == 0)
                break;
            text.append(part.data(), size);
        }
        return text;
    }

    std::string write(const Octets &octets) const
    {
        const std::string name = home_ + "/input";
        std::ofstream file(name, std::ios::binary);
        file.write(reinterpret_cast<const char *>(octets.data()),
                   static_cast<std::streamsize>(octets.size()));
        return name;
    }

    std::string home_;
};

// Of each line of --with-colons the fields that do not depend on trust: of a key
// its size, algorithm, key id, creation and expiry; of the others the text.
std::vector<std::string> facts(const std::string &colons)
{
    std::vector<std::string> facts;
    std::istringstream lines(colons);
    for (std::string line; std::getline(lines, line);) {
        std::vector<std::string> fields;
        std::istringstream rest(line);
        for (std::string field; std::getline(rest, field, ':');)
            fields.push_back(field);
        fields.resize(12);
        if (fields[0] == "pub" || fields[0] == "sub")
            facts.push_back(fields[0] + ' ' + fields[2] + ' ' + fields[3] + ' ' + fields[4] + ' ' +
                            fields[5] + ' ' + fields[6]);
        else if (fields[0] == "fpr" || fields[0] == "uid" || fields[0] == "uat")
            facts.push_back(fields[0] + ' ' + fields[9]);
    }
    return facts;
}

// Our lines, or nothing if the file is refused.
std::optional<std::string> colons(const Octets &input)
{
    const auto list = parse(input);
    if (!list)
        return std::nullopt;
    const auto ring = assemble(*list);
    if (!ring)
        return std::nullopt;
    std::ostringstream out;
    print_colons(out, *ring);
    return out.str();
}

TEST_F(Gnupg, AgreesOnDebiansRings)
{
    const auto rings = debian_rings();
    if (rings.empty())
        GTEST_SKIP() << "the package debian-archive-keyring is not installed";
    for (const std::string &name : rings) {
        const auto theirs = facts(gpg("--show-keys --with-colons '" + name + "'"));
        EXPECT_FALSE(theirs.empty()) << name;
        const auto ours = colons(read_file(name));
        ASSERT_TRUE(ours) << name;
        EXPECT_EQ(facts(*ours), theirs) << name;
    }
}

TEST_F(Gnupg, AgreesOnArmouredRings)
{
    const auto rings = debian_rings();
    if (rings.empty())
        GTEST_SKIP() << "the package debian-archive-keyring is not installed";
    for (const std::string &name : rings) {
        const Octets binary = read_file(name);
        // Armour by GnuPG, and armour by this test, which GnuPG must be able to read.
        const std::string enarmored = gpg("--enarmor < '" + name + "'");
        ASSERT_FALSE(enarmored.empty()) << name;
        EXPECT_EQ(colons(from_text(enarmored)), colons(binary)) << name;
        const Octets ours = from_text(armour(binary));
        EXPECT_EQ(colons(ours), colons(binary)) << name;
        const auto theirs = facts(gpg("--show-keys --with-colons '" + write(ours) + "'"));
        EXPECT_EQ(facts(colons(ours).value_or("")), theirs) << name;
    }
}

// GnuPG passes over what it does not like, where we refuse the file; so of a
// damaged file that we accept, GnuPG may show less, but nothing else.
TEST_F(Gnupg, KnowsNoFingerprintOfDamagedRingsThatWeDoNot)
{
    const auto rings = debian_rings();
    if (rings.empty())
        GTEST_SKIP() << "the package debian-archive-keyring is not installed";
    const Octets ring = read_file(rings.front());
    int compared = 0;
    for (std::uint64_t seed = 0; seed < 400 && compared < 25; seed++) {
        Random random(seed);
        const Octets damaged = damage(ring, ring, random);
        const auto ours = colons(damaged);
        if (!ours)
            continue;
        compared++;
        for (const std::string &fact :
             facts(gpg("--show-keys --with-colons '" + write(damaged) + "'"))) {
            if (fact.starts_with("fpr")) {
                EXPECT_NE(ours->find(fact.substr(4)), std::string::npos) << seed << ' ' << fact;
            }
        }
    }
    EXPECT_EQ(compared, 25);
}

} // namespace
} // namespace pgp::test
