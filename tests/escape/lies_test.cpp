// SPDX-License-Identifier: Apache-2.0
//
// Hostile code returns wrong results: lengths that do not exist, outputs full of
// nonsense. Only the given bytes come back, and the types make the caller check.
#include "kinds/sandbox.hpp"
#include "lies.hpp"

#include <escape_cxx_module.module.hpp>

#include <array>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

namespace {

struct Target {
    sbm::Level level;
    kinds::Kind kind = kinds::Kind::in_place;
};

class Lies : public testing::TestWithParam<Target> {
protected:
    void SetUp() override
    {
        char reason[256];
        const auto level = static_cast<enum sbm_level>(GetParam().level);
        if (const char *missing = sbm_level_missing(level, reason, sizeof reason))
            GTEST_SKIP() << missing;
        sbm::Options options;
        options.level = GetParam().level;
        auto made = GetParam().kind == kinds::Kind::module
                        ? kinds::Sandbox::create(escape_cxx_module_module(), options)
                        : kinds::Sandbox::create(options);
        ASSERT_TRUE(made) << made.error().text();
        sandbox_.emplace(std::move(*made));
        sbm::Untrusted<std::array<char, 1>> word;
        auto first = KINDS_CALL(*sandbox_, lie_about_length, word, 0);
        if (!first && first.error().code() == sbm::Errc::not_available)
            GTEST_SKIP() << first.error().text(); // an instrumented program
    }
    std::optional<kinds::Sandbox> sandbox_;
};

std::string name_of(const testing::TestParamInfo<Target> &info)
{
    return std::string(sbm_level_name(static_cast<enum sbm_level>(info.param.level))) +
           (info.param.kind == kinds::Kind::module ? "_module" : "");
}
INSTANTIATE_TEST_SUITE_P(Level, Lies,
                         testing::Values(Target{sbm::Level::process}, Target{sbm::Level::vm},
                                         Target{sbm::Level::process, kinds::Kind::module},
                                         Target{sbm::Level::vm, kinds::Kind::module}),
                         name_of);

TEST_P(Lies, LengthsAreCaughtByTheCheck)
{
    for (int which = 0; which < 4; which++) {
        sbm::Untrusted<std::array<char, 64>> word;
        auto length = KINDS_CALL(*sandbox_, lie_about_length, word, which);
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
        ASSERT_TRUE(KINDS_CALL(*sandbox_, lie_in_header, text, header));
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
    auto result = KINDS_CALL(*sandbox_, write_around, guarded.bytes);
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
    auto twin = KINDS_CALL(*sandbox_, lie_about_length, one, 3);
    ASSERT_TRUE(twin) << twin.error().text();
    EXPECT_EQ(one.storage()[0], '!');
    EXPECT_EQ(guarded.after, after);
}

} // namespace
