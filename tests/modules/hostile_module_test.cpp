// SPDX-License-Identifier: Apache-2.0
//
// Modules that misbehave while they start and in their calls, at both strong levels. The host
// hears of it in words; afterwards it is as before, and the next cell of a good module works.
#include "conformance/at_level.hpp"
#include "hostile.hpp"
#include "module_editor.hpp"

#include <sbm/module.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <optional>
#include <random>
#include <sys/syscall.h>

namespace {

using hostile::Start;
using sbm_test::Bytes;
using namespace std::chrono_literals;

// The hostile module's file, told what to do at its start.
Bytes hostile_file(Start what, std::uint64_t operand)
{
    static const Bytes original = sbm_test::read_bytes(HOSTILE_MODULE);
    const auto *mark = reinterpret_cast<const std::byte *>(hostile::kMark);
    const auto found =
        std::search(original.begin(), original.end(), mark, mark + sizeof hostile::kMark);
    EXPECT_NE(found, original.end());
    sbm_test::ModuleEditor module(original);
    module.edit<hostile::Orders>(static_cast<std::uint64_t>(found - original.begin()),
                                 [&](hostile::Orders &orders) {
                                     orders.what = what;
                                     orders.operand = operand;
                                 });
    return module.bytes;
}

std::size_t open_descriptors()
{
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

testing::AssertionResult says(const sbm::Error &error, const std::string &words)
{
    if (std::string(error.text()).find(words) != std::string::npos)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << "\"" << error.text() << "\" does not say: " << words;
}

bool is_plain(std::string_view text)
{
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); });
}

class Hostile : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (!IsSkipped())
            descriptors_ = open_descriptors();
    }
    void TearDown() override
    {
        if (IsSkipped())
            return;
        sandbox_.reset();
        module_.reset();
        EXPECT_EQ(open_descriptors(), descriptors_);
        good_module_works();
    }

    static sbm::Options options()
    {
        sbm::Options options;
        options.level = static_cast<sbm::Level>(level());
        options.memory = 16 << 20;
        options.cpu_time = 300ms;
        options.wall_time = 1s;
        return options;
    }

    static sbm::Result<sbm::Module> load(Start what, std::uint64_t operand = 0)
    {
        const Bytes file = hostile_file(what, operand);
        return sbm::Module::load(std::span<const std::byte>(file), options());
    }

    // One with an honest start, for calls that are not.
    void open()
    {
        auto module = load(Start::nothing);
        ASSERT_TRUE(module) << module.error().text();
        module_.emplace(std::move(*module));
        auto sandbox = module_->sandbox();
        ASSERT_TRUE(sandbox) << sandbox.error().text();
        sandbox_.emplace(std::move(*sandbox));
    }

    template <class Signature, class... A> auto call(const char *name, A... arguments)
    {
        const auto function = module_->function<Signature>(name);
        if (!function) {
            ADD_FAILURE() << function.error().text();
            std::abort();
        }
        return sandbox_->call(*function, arguments...);
    }
    int fault_kind() const { return sandbox_->fault() ? sandbox_->fault()->kind : -1; }

    void expect_works()
    {
        ASSERT_TRUE(sandbox_->reset());
        const auto result = call<int()>("works");
        ASSERT_TRUE(result) << result.error().text();
        EXPECT_EQ(result->trusted_because("it is a test"), 7);
    }

    // Everything that the host may be asked after a call, of any outcome.
    void ask_everything()
    {
        EXPECT_TRUE(is_plain(sandbox_->log()));
        for (const auto &refused : sandbox_->refused_calls())
            EXPECT_TRUE(is_plain(refused.name));
        if (const sbm::Fault *fault = sandbox_->fault()) {
            EXPECT_TRUE(is_plain(fault->text));
            EXPECT_TRUE(is_plain(fault->backtrace));
            EXPECT_TRUE(is_plain(fault->function));
        }
    }

    static void good_module_works()
    {
        auto module = sbm::Module::load(SAMPLE_MODULE, options());
        ASSERT_TRUE(module) << module.error().text();
        auto sandbox = module->sandbox();
        ASSERT_TRUE(sandbox) << sandbox.error().text();
        const auto function = module->function<int()>("constructors");
        ASSERT_TRUE(function) << function.error().text();
        const auto result = sandbox->call(*function);
        ASSERT_TRUE(result) << result.error().text();
        EXPECT_EQ(result->trusted_because("it is a test"), 0);
    }

    // Whatever became of the start: a call of it harms nobody.
    void try_out(sbm::Result<sbm::Module> module)
    {
        if (!module) {
            EXPECT_TRUE(is_plain(module.error().text()));
            return;
        }
        module_.emplace(std::move(*module));
        auto sandbox = module_->sandbox();
        if (!sandbox)
            return;
        sandbox_.emplace(std::move(*sandbox));
        for (int i = 0; i < 2; i++) {
            static_cast<void>(call<int()>("works"));
            ask_everything();
            static_cast<void>(sandbox_->reset());
        }
        sandbox_.reset();
    }

    std::optional<sbm::Module> module_;
    std::optional<sbm::Sandbox> sandbox_;

private:
    std::size_t descriptors_ = 0;
};
AT_STRONG_LEVELS(Hostile);

TEST_P(Hostile, TheTwinStarts)
{
    open();
    expect_works();
}

// ---- While it starts -----------------------------------------------------------------

struct Death {
    Start what;
    std::uint64_t operand;
    const char *words;
};

TEST_P(Hostile, DeathsInConstructorsAreToldWithWhatWasWritten)
{
    const Death deaths[] = {
        {Start::abort, 0, "the module called abort()"},
        {Start::write_null, 0, "write to 0x10"},
        {Start::exit, 3, "the module called exit(3)"},
        {Start::throw_exception, 0, "std::range_error"},
        {Start::allocate, 64 << 20, "std::bad_alloc"},
        {Start::recurse, 0, "stack overflow"},
        {Start::leave, 4711, level() == SBM_LEVEL_VM ? "aborted" : "answered nonsense"},
    };
    for (const Death &death : deaths) {
        const auto module = load(death.what, death.operand);
        ASSERT_FALSE(module) << death.words;
        EXPECT_EQ(module.error().code(), sbm::Errc::fault) << death.words;
        EXPECT_TRUE(says(module.error(), "the module did not start: "));
        EXPECT_TRUE(says(module.error(), death.words));
        EXPECT_TRUE(says(module.error(), "it wrote: up to no good\n"));
    }
}

TEST_P(Hostile, WhatFitsIntoMemoryStarts)
{
    const auto module = load(Start::allocate, 8 << 20);
    EXPECT_TRUE(module) << module.error().text();
}

TEST_P(Hostile, AnEndlessStartEndsWithTheTimeLimit)
{
    const auto begin = std::chrono::steady_clock::now();
    const auto module = load(Start::loop);
    ASSERT_FALSE(module);
    EXPECT_EQ(module.error().code(), sbm::Errc::timed_out);
    EXPECT_TRUE(says(module.error(), "the module did not start: used up its"));
    EXPECT_TRUE(says(module.error(), "it wrote: up to no good\n"));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 30s);
}

// The value becomes a segment's base in other cells.
TEST_P(Hostile, AThreadPointerThatIsNoneIsRefused)
{
    for (const std::uint64_t lie :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x10000}, ~std::uint64_t{0},
          ~std::uint64_t{0x27}, ~std::uint64_t{0x2f}, std::uint64_t{1} << 47,
          std::uint64_t{1} << 63, std::uint64_t{0x7fffffffffff}, std::uint64_t{0x200000000000}}) {
        const auto module = load(Start::thread_pointer, lie);
        ASSERT_FALSE(module) << lie;
        EXPECT_TRUE(says(module.error(), "thread pointer"));
    }
}

TEST_P(Hostile, AStartThatEndsTooEarlyHarmsNobody)
{
    try_out(load(Start::return_early));
    try_out(load(Start::run_main));
    for (std::uint64_t exit = 0; exit < 8; exit++)
        try_out(load(Start::leave, exit));
    try_out(load(Start::leave, ~std::uint64_t{0}));
}

TEST_P(Hostile, AStartThatWritesOverTheMailboxHarmsNobody)
{
    for (std::uint64_t seed = 0; seed < 16; seed++)
        try_out(load(Start::scribble, seed));
}

// Any module that is loaded at all is anybody's: its bytes need not make sense.
TEST_P(Hostile, DamagedModulesHarmNobody)
{
    const sbm_test::ModuleEditor whole(hostile_file(Start::nothing, 0));
    const Bytes needed(whole.bytes.begin(),
                       whole.bytes.begin() + static_cast<std::ptrdiff_t>(whole.needed()));
    int loaded = 0;
    for (std::uint32_t seed = 0; seed < 100; seed++) {
        Bytes file = needed;
        std::mt19937 random(seed);
        // The headers stay; with few changes half of them start.
        for (std::uint32_t i = 0; i < (seed % 2 ? 20U : 200U); i++)
            file[4096 + random() % (file.size() - 4096)] = static_cast<std::byte>(random());
        auto module = sbm::Module::load(std::span<const std::byte>(file), options());
        if (module && !module->function<int()>("works"))
            continue;
        loaded += module ? 1 : 0;
        try_out(std::move(module));
    }
    EXPECT_GT(loaded, 10);
}

// ---- In its calls --------------------------------------------------------------------

TEST_P(Hostile, StaleFramesHarmNobody)
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

TEST_P(Hostile, ReturningTwiceIsOneReturn)
{
    open();
    EXPECT_TRUE(call<int()>("return_early"));
    // At the level process the rest of that function is what runs next.
    static_cast<void>(call<int()>("works"));
    ask_everything();
    expect_works();
}

TEST_P(Hostile, UnknownExitsOnlyEndTheCall)
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

TEST_P(Hostile, HostCallsThatNobodyDeclaredAreRefused)
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

TEST_P(Hostile, LiesInTheMailboxAreOnlyLies)
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

TEST_P(Hostile, NothingBehindTheMailboxOutlivesAReset)
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

TEST_P(Hostile, WritingOverTheMailboxHarmsNobody)
{
    open();
    for (std::uint64_t seed = 0; seed < 32; seed++) {
        static_cast<void>(call<int(std::uint64_t)>("scribble", seed));
        ask_everything();
        expect_works();
    }
}

TEST_P(Hostile, AStackOverflowIsReportedAsSuch)
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

// ---- System calls --------------------------------------------------------------------

// Linux lets these two past every filter: they are for code that it put into a program
// itself, and answer anybody else with SIGILL or ENXIO.
constexpr std::uint64_t kUretprobe = 335, kUprobe = 336;

class HostileCalls : public Hostile {
protected:
    using Signature = std::int64_t(std::uint64_t, bool, std::uint64_t, std::uint64_t);

    void expect_comes_back(std::uint64_t number)
    {
        // The only one whose second argument is a size that is written.
        const bool plain = number != SYS_getrandom;
        const auto result =
            call<Signature>("system_call", number, plain, std::uint64_t{0}, std::uint64_t{0});
        if (result)
            return;
        ADD_FAILURE() << number << ": " << result.error().text();
        ASSERT_TRUE(sandbox_->reset());
    }
    void expect_does_nothing(std::uint64_t number)
    {
        const auto result =
            call<Signature>("system_call", number, true, std::uint64_t{0}, std::uint64_t{0});
        if (result)
            EXPECT_TRUE(
                result->check_with([](std::int64_t r) { return r == -ENXIO || r == -ENOSYS; }));
        else
            EXPECT_NE(fault_kind(), SBM_FAULT_SYSTEM_CALL);
        ASSERT_TRUE(sandbox_->reset());
    }
};
AT_STRONG_LEVELS(HostileCalls);

TEST_P(HostileCalls, EveryNumberComesBackInsideTheCell)
{
    open();
    for (std::uint64_t number = 0; number <= 600; number++) {
        if (number == SYS_exit || number == SYS_exit_group)
            continue;
        if (level() == SBM_LEVEL_PROCESS && (number == kUretprobe || number == kUprobe))
            expect_does_nothing(number);
        else
            expect_comes_back(number);
    }
    for (std::uint64_t number = 0; number <= 600; number++)
        expect_comes_back(number | 0x40000000);
    for (const std::uint64_t number :
         {std::uint64_t{0x80000000}, std::uint64_t{0xffffffff}, std::uint64_t{1} << 32 | 39,
          ~std::uint64_t{0}, std::uint64_t{1} << 63})
        expect_comes_back(number);
    expect_works();
}

// The answers are the cell's own.
TEST_P(HostileCalls, AnswersAreThoseOfTheCell)
{
    open();
    const auto answer = [&](std::uint64_t number, std::uint64_t first = 0,
                            std::uint64_t second = 0) {
        const auto result = call<Signature>("system_call", number, false, first, second);
        return result ? result->trusted_because("it is a test") : -4711;
    };
    EXPECT_EQ(answer(SYS_getpid), 1);
    EXPECT_EQ(answer(SYS_getuid), 65534);
    EXPECT_EQ(answer(SYS_fork), -ENOSYS);
    EXPECT_EQ(answer(SYS_rt_sigreturn), -ENOSYS);
    EXPECT_EQ(answer(SYS_getpid | 0x40000000), -ENOSYS);
    EXPECT_EQ(answer(SYS_kill, 1), 0);
    EXPECT_EQ(answer(SYS_kill, 2, 9), -ESRCH);
    EXPECT_EQ(answer(599), -ENOSYS);
}

TEST_P(HostileCalls, CallsThatEndAProgramEndTheCall)
{
    open();
    struct End {
        std::uint64_t number, first, second;
        const char *words;
    };
    for (const End &end : {End{SYS_exit, 5, 0, "exit(5)"}, End{SYS_exit_group, 6, 0, "exit(6)"},
                           End{SYS_kill, 1, 9, "signal 9"}, End{SYS_tkill, 1, 6, "abort()"}}) {
        const auto ended = call<Signature>("system_call", end.number, false, end.first, end.second);
        ASSERT_FALSE(ended) << end.words;
        EXPECT_TRUE(says(ended.error(), end.words));
        EXPECT_EQ(fault_kind(), SBM_FAULT_ABORT);
        expect_works();
    }
}

// The old way into the kernel leads nowhere: no personality answers there.
TEST_P(HostileCalls, TheOldEntryEndsTheCall)
{
    open();
    for (const std::uint32_t number : {20U, 1U, 11U}) {
        EXPECT_FALSE(call<std::int64_t(std::uint32_t)>("old_system_call", number));
        EXPECT_TRUE(fault_kind() == SBM_FAULT_SYSTEM_CALL || fault_kind() == SBM_FAULT_INSTRUCTION)
            << sandbox_->fault()->text;
        expect_works();
    }
}

// The way out lies in the page of stubs at the level vm, in the process's own program at the
// other. Wherever a module jumps to in there: it makes no system call.
TEST_P(HostileCalls, NoJumpToTheWaysOutIsASystemCall)
{
    open();
    const std::uint64_t out = call<std::uint64_t()>("way_out")->trusted_because("it is a test");
    const std::uint64_t page = out & ~std::uint64_t{4095};
    const std::uint64_t last = level() == SBM_LEVEL_VM ? page + 256 : out + 64;
    for (std::uint64_t at = level() == SBM_LEVEL_VM ? page : out; at < last; at++) {
        static_cast<void>(call<void(std::uint64_t, std::uint64_t)>("jump", at, SYS_getpid));
        EXPECT_NE(fault_kind(), SBM_FAULT_SYSTEM_CALL) << std::hex << at;
        ask_everything();
        expect_works();
    }
}

// ---- While the host reads ------------------------------------------------------------

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

// A start is no hot call.
class HostileStart : public Hostile {};
INSTANTIATE_TEST_SUITE_P(, HostileStart, testing::Values(SBM_LEVEL_PROCESS),
                         conformance::level_name);

TEST_P(HostileStart, MayGoOnAfterItsEnd)
{
    for (std::uint64_t seed = 0; seed < 4; seed++)
        try_out(load(Start::answer_early, seed));
}

} // namespace
