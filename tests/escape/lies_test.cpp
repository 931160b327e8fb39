// SPDX-License-Identifier: Apache-2.0
//
// Hostile code returns wrong results: lengths that do not exist, outputs full of
// nonsense. Only the given bytes come back, and the types make the caller check.
#include <sbm/sandbox.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace {

struct Header {
    std::uint32_t length;
    std::uint32_t offsets[4];
    std::uint8_t kind;
};

// In the cell. The caller asked for the number of bytes written to `out`.
int lie_about_length(sbm::Out<char> out, int which)
{
    for (char &c : out)
        c = '!';
    const int lies[] = {-1, std::numeric_limits<int>::max(), std::numeric_limits<int>::min(),
                        static_cast<int>(out.size()) + 1};
    return lies[which];
}

int lie_in_header(sbm::In<char> text, sbm::Out<Header> out)
{
    std::memset(static_cast<void *>(out.data()), 0xff, sizeof(Header));
    if (text.empty())
        *out = {2, {0, 1, 2, 3}, 1};
    return 0;
}

// Writes everywhere around its output that it can reach.
int write_around(sbm::InOut<std::uint8_t> bytes)
{
    for (std::size_t i = 0; i < bytes.size(); i++)
        bytes[i] ^= 0xff;
    const auto start = reinterpret_cast<std::uintptr_t>(bytes.data());
    for (std::uintptr_t at = start & ~std::uintptr_t{4095}; at < start; at++)
        *reinterpret_cast<volatile std::uint8_t *>(at) = 0xee;
    return 0;
}

class Lies : public testing::TestWithParam<sbm::Level> {
protected:
    void SetUp() override
    {
        char reason[256];
        const auto level = static_cast<enum sbm_level>(GetParam());
        if (const char *missing = sbm_level_missing(level, reason, sizeof reason))
            GTEST_SKIP() << missing;
        auto made = sbm::Sandbox::create({.level = GetParam()});
        ASSERT_TRUE(made) << made.error().text();
        sandbox_.emplace(std::move(*made));
        auto first = sandbox_->call(lie_about_length, sbm::Untrusted<std::array<char, 1>>(), 0);
        if (!first && first.error().code() == sbm::Errc::not_available)
            GTEST_SKIP() << first.error().text(); // an instrumented program
    }
    std::optional<sbm::Sandbox> sandbox_;
};

std::string name_of(const testing::TestParamInfo<sbm::Level> &info)
{
    return sbm_level_name(static_cast<enum sbm_level>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Level, Lies, testing::Values(sbm::Level::process, sbm::Level::vm),
                         name_of);

TEST_P(Lies, LengthsAreCaughtByTheCheck)
{
    for (int which = 0; which < 4; which++) {
        sbm::Untrusted<std::array<char, 64>> word;
        auto length = sandbox_->call(lie_about_length, word, which);
        ASSERT_TRUE(length) << length.error().text();
        EXPECT_EQ(length->verify([](int n) { return n >= 0 && n <= 64; }), std::nullopt) << which;
    }
}

TEST_P(Lies, StructuresAreCaughtByTheCheck)
{
    const auto is_good = [](const Header &header) {
        if (header.length > 4 || header.kind > 3)
            return false;
        for (std::uint32_t i = 0; i < header.length; i++)
            if (header.offsets[i] >= 4)
                return false;
        return true;
    };
    for (const std::string text : {"bad", ""}) {
        sbm::Untrusted<Header> header;
        ASSERT_TRUE(sandbox_->call(lie_in_header, text, header));
        EXPECT_EQ(header.verify(is_good).has_value(), text.empty());
    }
}

// One allocation with the output in its middle: nothing around it may change, also
// not when the cell wrote around its own copy.
TEST_P(Lies, OnlyTheGivenBytesComeBack)
{
    struct Guarded {
        std::array<std::uint8_t, 4096> before;
        sbm::Untrusted<std::array<std::uint8_t, 100>> bytes;
        std::array<std::uint8_t, 4096> after;
    };
    Guarded guarded;
    guarded.before.fill(0x77);
    guarded.after.fill(0x88);
    guarded.bytes.storage().fill(0x0f);
    const auto before = guarded.before, after = guarded.after;
    auto result = sandbox_->call(write_around, guarded.bytes);
    EXPECT_FALSE(result) << "writing before the buffer is noticed";
    ASSERT_NE(sandbox_->fault(), nullptr);
    EXPECT_EQ(sandbox_->fault()->kind, SBM_FAULT_BUFFER_UNDERRUN);
    EXPECT_EQ(guarded.before, before);
    EXPECT_EQ(guarded.after, after);
    EXPECT_EQ(guarded.bytes.storage()[50], 0x0f) << "nothing comes back from an aborted call";
    ASSERT_TRUE(sandbox_->reset());

    std::array<char, 4096> text;
    text.fill('t');
    sbm::Untrusted<std::array<char, 1>> one;
    auto twin = sandbox_->call(lie_about_length, one, 3);
    ASSERT_TRUE(twin) << twin.error().text();
    EXPECT_EQ(one.storage()[0], '!');
    EXPECT_EQ(guarded.after, after);
}

} // namespace
