// SPDX-License-Identifier: Apache-2.0
#include "supervisor/audit.hpp"

#include "base/sha256.hpp"

#include <gtest/gtest.h>
#include <new>
#include <nlohmann/json.hpp>

namespace cell::supervisor {
namespace {

using nlohmann::json;

class AuditTest : public testing::Test {
protected:
    Audit audit(std::uint64_t bytes = 1 << 20)
    {
        return {sink_, bytes, [] { return std::uint64_t{1'700'000'000'123'456'789}; }};
    }
    json line(std::size_t number) const { return json::parse(lines_.at(number), nullptr, false); }

    std::vector<std::string> lines_;
    Audit::Sink sink_ = [this](std::string_view text) {
        lines_.emplace_back(text);
        return true;
    };
};

system::Denial denial(std::string argument)
{
    return {"file.open", "", "no section [files.etc]", "[files.etc]", std::move(argument)};
}

TEST_F(AuditTest, TellsStartDenialsAndEnd)
{
    Audit log = audit();
    const std::string content = "file";
    log.start({"tool.sbm", std::as_bytes(std::span(content)), "tool.toml", "vm"});
    log.denied(denial("etc/passwd"));
    sbm::AppEnd end;
    end.status = 7;
    end.calls = 12;
    end.denied = 1;
    log.end(end, nullptr);
    ASSERT_EQ(lines_.size(), 3U);
    EXPECT_EQ(line(0)["time"], "2023-11-14T22:13:20.123Z");
    EXPECT_EQ(line(0)["event"], "start");
    EXPECT_EQ(line(0)["app"], "tool.sbm");
    EXPECT_EQ(line(0)["bytes"], 4);
    EXPECT_EQ(line(0)["sha256"], sha256(std::as_bytes(std::span(content))));
    EXPECT_EQ(line(0)["policy"], "tool.toml");
    EXPECT_EQ(line(0)["level"], "vm");
    EXPECT_EQ(line(1)["call"], "file.open");
    EXPECT_EQ(line(1)["argument"], "etc/passwd");
    EXPECT_EQ(line(1)["reason"], "no section [files.etc]");
    EXPECT_EQ(line(1)["would_allow"], "[files.etc]");
    EXPECT_EQ(line(2)["status"], 7);
    EXPECT_EQ(line(2)["calls"], 12);
    EXPECT_EQ(line(2)["denied"], 1);
    EXPECT_EQ(line(2)["audit_lines_lost"], 0);
    EXPECT_FALSE(line(2).contains("error"));
}

TEST_F(AuditTest, TellsAnErrorByItsCode)
{
    const Error error(Errc::timed_out, "too long");
    audit().end({}, &error);
    EXPECT_EQ(line(0)["error"]["code"], "timed_out");
    EXPECT_EQ(line(0)["error"]["text"], "too long");
    EXPECT_FALSE(line(0).contains("status"));
}

TEST_F(AuditTest, EscapesWhateverTheAppSays)
{
    Audit log = audit();
    const std::string odd("a\"b\\c\n{\xc3\xa9\xc2\x9b\x00\x1b", 13);
    log.denied(denial(odd));
    log.denied(denial("x\xff\xfey"));
    ASSERT_EQ(lines_.size(), 2U);
    for (const std::string &text : lines_)
        for (const char c : text)
            EXPECT_TRUE(c >= 0x20 && c < 0x7f) << "one line of ASCII, whatever it holds";
    EXPECT_EQ(line(0)["argument"], odd);
    EXPECT_FALSE(line(0).contains("argument_hex"));
    EXPECT_EQ(line(1)["argument"], "x\xef\xbf\xbd\xef\xbf\xbdy");
    EXPECT_EQ(line(1)["argument_hex"], "78fffe79");
}

TEST_F(AuditTest, IsBoundedAndTellsWhatWasDropped)
{
    Audit log = audit(1000);
    for (int i = 0; i < 100; i++)
        log.denied(denial("etc/passwd"));
    const std::size_t kept = lines_.size();
    EXPECT_GT(kept, 0U);
    EXPECT_LT(kept, 10U);
    log.end({}, nullptr);
    ASSERT_EQ(lines_.size(), kept + 1) << "the last line is always kept";
    EXPECT_EQ(line(kept)["audit_lines_lost"], 100 - kept);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < kept; i++)
        bytes += lines_[i].size() + 1;
    EXPECT_LE(bytes, 1000U);
}

TEST_F(AuditTest, GoesOnWhenLinesCannotBeKept)
{
    sink_ = [this](std::string_view text) {
        if (text.find("etc/full") != std::string_view::npos)
            return false;
        if (text.find("etc/memory") != std::string_view::npos)
            throw std::bad_alloc();
        lines_.emplace_back(text);
        return true;
    };
    Audit log = audit();
    log.denied(denial("etc/full"));
    log.denied(denial("etc/memory"));
    log.denied(denial("etc/kept"));
    log.end({}, nullptr);
    ASSERT_EQ(lines_.size(), 2U);
    EXPECT_EQ(line(0)["argument"], "etc/kept");
    EXPECT_EQ(line(1)["audit_lines_lost"], 2);
    EXPECT_EQ(log.lost(), 2U);
}

TEST_F(AuditTest, OfNobodyCostsNothing)
{
    sink_ = nullptr;
    Audit log = audit();
    log.denied(denial("etc/passwd"));
    log.end({}, nullptr);
    EXPECT_EQ(log.lost(), 0U);
}

} // namespace
} // namespace cell::supervisor
