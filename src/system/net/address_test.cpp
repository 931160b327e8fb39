// SPDX-License-Identifier: Apache-2.0
#include "system/net/address.hpp"
#include "system/net/rules.hpp"

#include <gtest/gtest.h>

namespace cell::system::net {
namespace {

TEST(Address, HasOneSpelling)
{
    for (const char *text :
         {"0.0.0.0", "1.2.3.4", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2:3:4"}) {
        const auto address = parse_address(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(text_of(*address), text);
    }
    EXPECT_EQ(parse_address("::ffff:1.2.3.4"), parse_address("1.2.3.4"));
    EXPECT_EQ(parse_address("::ffff:102:304"), parse_address("1.2.3.4"));
    for (const char *text : {"", "1", "1.2", "1.2.3", "1.2.3.4.", "1.2.3.04", "1.2.3.256",
                             "0x1.2.3.4", "01.2.3.4", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4/8", "[::1]",
                             "::1%lo", ":::", "1:2:3:4:5:6:7:8:9", "g::"})
        EXPECT_FALSE(parse_address(text)) << text;
    EXPECT_FALSE(parse_address(std::string_view("1.2.3.4\0", 8)));
}

TEST(Address, IsPublicOrNot)
{
    for (const char *text :
         {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
          "172.15.255.255", "172.32.0.0", "192.167.0.1", "198.17.0.1", "223.255.255.255",
          "2606:4700::1", "2a00::1", "2001:200::1", "3ffe::1"})
        EXPECT_TRUE(is_public(*parse_address(text))) << text;
    for (const char *text : {"0.0.0.0",
                             "0.1.2.3",
                             "10.0.0.0",
                             "10.255.255.255",
                             "100.64.0.0",
                             "100.127.255.255",
                             "127.0.0.1",
                             "127.255.255.255",
                             "169.254.0.1",
                             "169.254.169.254",
                             "172.16.0.0",
                             "172.31.255.255",
                             "192.0.0.1",
                             "192.0.2.1",
                             "192.88.99.1",
                             "192.168.0.0",
                             "192.168.255.255",
                             "198.18.0.0",
                             "198.19.255.255",
                             "198.51.100.1",
                             "203.0.113.1",
                             "224.0.0.1",
                             "240.0.0.1",
                             "255.255.255.255",
                             "::",
                             "::1",
                             "::ffff:127.0.0.1",
                             "::ffff:10.0.0.1",
                             "::127.0.0.1",
                             "64:ff9b::1.1.1.1",
                             "64:ff9b:1::1",
                             "100::1",
                             "2001::1",
                             "2001:1::1",
                             "2001:db8::1",
                             "2002:7f00:1::1",
                             "2002:101:101::1",
                             "3fff::1",
                             "fc00::1",
                             "fd00:ec2::254",
                             "fe80::1",
                             "fec0::1",
                             "ff02::1",
                             "4000::1"})
        EXPECT_FALSE(is_public(*parse_address(text))) << text;
}

TEST(Address, BlocksAreChecked)
{
    EXPECT_TRUE(parse_block("10.0.0.0/8")->contains(*parse_address("10.255.0.1")));
    EXPECT_FALSE(parse_block("10.0.0.0/8")->contains(*parse_address("11.0.0.0")));
    EXPECT_TRUE(parse_block("10.0.0.1")->contains(*parse_address("10.0.0.1")));
    EXPECT_FALSE(parse_block("10.0.0.1")->contains(*parse_address("10.0.0.2")));
    EXPECT_TRUE(parse_block("fd00::/9")->contains(*parse_address("fd7f::1")));
    EXPECT_FALSE(parse_block("fd00::/9")->contains(*parse_address("fd80::1")));
    EXPECT_TRUE(parse_block("0.0.0.0/0")->contains(*parse_address("255.1.1.1")));
    EXPECT_TRUE(parse_block("::/0")->contains(*parse_address("fd00::1")));
    EXPECT_FALSE(parse_block("::/0")->contains(*parse_address("127.0.0.1"))) << "nor of IPv4";
    EXPECT_FALSE(parse_block("0.0.0.0/0")->contains(*parse_address("2001::1"))) << "not of IPv6";
    for (const char *text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1",
                             "10.0.0.1/8", "fd00::1/64", "::/129", "10.0.0.0/8/8", "a/8"})
        EXPECT_FALSE(parse_block(text)) << text;
}

// A host may be called like a transport.
TEST(NetRule, OfANameIsReadBack)
{
    for (const char *text : {"udp:2", "tcp:2", "a.example:2", "1.2.3.4:5", "[::1]:5"})
        for (const Transport by : {Transport::tcp, Transport::udp}) {
            const auto name = parse_name(text);
            ASSERT_TRUE(name) << text;
            const char *why = nullptr;
            const auto rule = parse_rule(rule_text(by, *name), why);
            ASSERT_TRUE(rule) << rule_text(by, *name);
            EXPECT_TRUE(rule->matches(by, *name)) << text;
        }
}

TEST(NetRule, IsReadOrRefused)
{
    const char *why = nullptr;
    for (const char *text : {"example.org:443", "*.example.org:1-2", "udp:1.2.3.4:*", "tcp:a:1",
                             "[::1]:80", "_x.a-b.example:65535"})
        EXPECT_TRUE(parse_rule(text, why)) << text;
    for (const char *text :
         {"", "example.org", ":443", "example.org:", "example.org:0x1", "example.org:2-1",
          "example.org:1-", "example.org:65536", "*:443", "*.1.2.3.4:1", "*.*.a:1", "a*.b:1",
          "[::1]", "::1:80", "sctp:a:1", "-a.example:1", "a-.example:1", "a.1:1", "1.2.3:4"}) {
        why = nullptr;
        EXPECT_FALSE(parse_rule(text, why)) << text;
        EXPECT_NE(why, nullptr);
    }
}

} // namespace
} // namespace cell::system::net
