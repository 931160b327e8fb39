// SPDX-License-Identifier: Apache-2.0
//
// Modules that misbehave in their calls, and while the host reads what they left.
#include "hostile_test.hpp"

namespace hostile_test {
namespace {

class HostileCall : public Hostile {};
AT_STRONG_LEVELS(HostileCall);

TEST_P(HostileCall, TheTwinStarts)
{
    open();
    expect_works();
}

TEST_P(HostileCall, StaleFramesHarmNobody)
{
    open();
    // The frame is gone when it is jumped to: anything may become of the call.
    ASSERT_TRUE(call<int()>("keep_frame"));
    static_cast<void>(call<void()>("jump_to_stale_frame"));
    ask_everything();
    expect_works();
    static_cast<void>(call<void()>("jump_to_stale_frame")); // to one that never was
    ask_everything();
    expect_works();
    static_cast<void>(call<void()>("start_again"));
    ask_everything();
    expect_works();
}

TEST_P(HostileCall, ReturningTwiceIsOneReturn)
{
    open();
    EXPECT_TRUE(call<int()>("return_early"));
    // At the level process the rest of that function is what runs next.
    static_cast<void>(call<int()>("works"));
    ask_everything();
    expect_works();
}

TEST_P(HostileCall, UnknownExitsOnlyEndTheCall)
{
    open();
    for (const std::uint64_t exit :
         {std::uint64_t{0}, std::uint64_t{4}, std::uint64_t{5}, std::uint64_t{6},
          std::uint64_t{4711}, std::uint64_t{0x80000000}, ~std::uint64_t{0}}) {
        EXPECT_FALSE(call<int(std::uint64_t)>("leave_with", exit)) << exit;
        ask_everything();
        expect_works();
    }
}

TEST_P(HostileCall, HostCallsThatNobodyDeclaredAreRefused)
{
    open();
    const std::uint64_t inside = call<std::uint64_t()>("way_out")->trusted_because("it is a test");
    for (const std::uint64_t proxy : {std::uint64_t{0}, inside, ~std::uint64_t{0}}) {
        const auto asked = call<void(std::uint64_t, std::uint64_t)>("ask_host", proxy, inside);
        ASSERT_FALSE(asked);
        EXPECT_EQ(fault_kind(), SBM_FAULT_HOST_CALL);
        ask_everything();
        expect_works();
    }
}

TEST_P(HostileCall, LiesInTheMailboxAreOnlyLies)
{
    open();
    for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{8192}, std::uint64_t{8193},
                                     std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
        EXPECT_TRUE(call<void(std::uint64_t)>("lie_about_log", size));
        EXPECT_LT(sandbox_->log().size(), 4 * 8192U + 50);
        ask_everything();
    }
    EXPECT_TRUE(call<void()>("lie_about_calls"));
    ask_everything();
    for (const auto &refused : sandbox_->refused_calls())
        EXPECT_LE(refused.name.size(), 4 * 24U);
    expect_works();
    EXPECT_TRUE(sandbox_->refused_calls().empty());
    EXPECT_FALSE(call<void()>("lie_in_report"));
    EXPECT_EQ(fault_kind(), SBM_FAULT_ABORT);
    ask_everything();
    expect_works();
}

TEST_P(HostileCall, NothingBehindTheMailboxOutlivesAReset)
{
    open();
    for (int round = 0; round < 2; round++) {
        const auto before =
            call<std::uint64_t(std::uint64_t)>("write_behind_mailbox", std::uint64_t{4711});
        ASSERT_TRUE(before) << before.error().text();
        EXPECT_EQ(before->trusted_because("it is a test"), 0U);
        ASSERT_TRUE(sandbox_->reset());
    }
}

TEST_P(HostileCall, WritingOverTheMailboxHarmsNobody)
{
    open();
    for (std::uint64_t seed = 0; seed < 32; seed++) {
        static_cast<void>(call<int(std::uint64_t)>("scribble", seed));
        ask_everything();
        expect_works();
    }
}

TEST_P(HostileCall, AStackOverflowIsReportedAsSuch)
{
    open();
    const auto shallow = call<std::uint64_t(std::uint64_t)>("recurse", std::uint64_t{100});
    ASSERT_TRUE(shallow) << shallow.error().text();
    const auto deep = call<std::uint64_t(std::uint64_t)>("recurse", ~std::uint64_t{0});
    ASSERT_FALSE(deep);
    EXPECT_TRUE(says(deep.error(), "stack overflow"));
    EXPECT_EQ(fault_kind(), SBM_FAULT_STACK);
    ask_everything();
    expect_works();
}

// At the level vm the cell runs beside the host in hot calls only.
class HostileBeside : public Hostile {
protected:
    void open_hot()
    {
        open();
        if (const auto set = sandbox_->set_spin(200us); !set && level() == SBM_LEVEL_VM)
            GTEST_SKIP() << set.error().text();
    }
};
AT_STRONG_LEVELS(HostileBeside);

TEST_P(HostileBeside, TheMailboxMayChangeWhileItIsRead)
{
    open_hot();
    for (std::uint64_t seed = 0; !IsSkipped() && seed < 4; seed++) {
        static_cast<void>(call<void(std::uint64_t)>("answer_early", seed));
        for (int i = 0; i < 20; i++)
            ask_everything();
        // One more call of it, which finds nobody who listens.
        static_cast<void>(call<int()>("works"));
        ask_everything();
        expect_works();
    }
}

TEST_P(HostileBeside, OneThatPretendsToBeIdleEndsWithTheTimeLimit)
{
    open_hot();
    if (IsSkipped())
        return;
    EXPECT_FALSE(call<void()>("idle"));
    ask_everything();
    expect_works();
}

TEST_P(HostileBeside, HotCallsEndAsOthersDo)
{
    open_hot();
    for (std::uint64_t seed = 0; !IsSkipped() && seed < 16; seed++) {
        static_cast<void>(call<int(std::uint64_t)>("scribble", seed));
        ask_everything();
        expect_works();
        EXPECT_FALSE(call<int(std::uint64_t)>("leave_with", seed + 7));
        expect_works();
        static_cast<void>(call<void()>("jump_to_stale_frame"));
        ask_everything();
        expect_works();
    }
}

} // namespace
} // namespace hostile_test
