// SPDX-License-Identifier: Apache-2.0
//
// The C and C++ libraries of a module work as anywhere, at both strong levels, for
// position-independent modules and others.
#include "conformance/at_level.hpp"

#include <sbm/module.hpp>

#include <sample_module.module.hpp>

#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <set>

// As in the module; a type of an unnamed namespace would be another one.
struct Pair {
    std::int32_t first;
    char second;
    double weights[3];
};

namespace {

using namespace std::chrono_literals;

struct Case {
    sbm_level level;
    const char *file;
    const char *name;
};

class Language : public testing::TestWithParam<Case> {
protected:
    void SetUp() override
    {
        conformance::skip_without(GetParam().level);
        if (IsSkipped())
            return;
        sbm::Options options;
        options.level = static_cast<sbm::Level>(GetParam().level);
        options.cpu_time = 2s;
        auto module = sbm::Module::load(GetParam().file, options);
        ASSERT_TRUE(module) << module.error().text();
        module_.emplace(std::move(*module));
        auto sandbox = module_->sandbox();
        ASSERT_TRUE(sandbox) << sandbox.error().text();
        sandbox_.emplace(std::move(*sandbox));
    }

    template <class Signature, class... A> auto call(const char *name, A &&...arguments)
    {
        auto function = module_->function<Signature>(name);
        if (!function) {
            ADD_FAILURE() << function.error().text();
            std::abort();
        }
        return sandbox_->call(*function, std::forward<A>(arguments)...);
    }
    // What a function gives; -1 and a failure if it does not return.
    template <class R = int, class... P> R value(const char *name, P... arguments)
    {
        auto result = call<R(P...)>(name, arguments...);
        EXPECT_TRUE(result) << result.error().text() << '\n'
                            << (sandbox_->fault() ? sandbox_->fault()->backtrace : "");
        return result ? result->trusted_because("it is a test") : static_cast<R>(-1);
    }

    std::optional<sbm::Module> module_;
    std::optional<sbm::Sandbox> sandbox_;
};

TEST_P(Language, HasRunConstructors)
{
    EXPECT_EQ(value("constructors"), 0);
}
TEST_P(Language, HasThreadLocals)
{
    EXPECT_EQ(value("thread_locals"), 0);
    EXPECT_EQ(value("thread_locals"), 0);
}
TEST_P(Language, CatchesExceptions)
{
    EXPECT_EQ(value("exceptions"), 0);
}
TEST_P(Language, HasStreams)
{
    EXPECT_EQ(value("streams"), 0);
    EXPECT_EQ(sandbox_->log(), "to the log: 12\nthrough stdio\n");
}
TEST_P(Language, HasContainers)
{
    EXPECT_EQ(value("containers"), 0);
}
TEST_P(Language, HasNumbers)
{
    EXPECT_EQ(value("numbers"), 0);
}
TEST_P(Language, HasVectorInstructions)
{
    EXPECT_EQ(value("vectors"), 0);
}
TEST_P(Language, HasMemory)
{
    EXPECT_EQ(value<int>("memory", std::uint64_t{100}), 0);
    EXPECT_EQ(value<int>("memory", std::uint64_t{200'000}), 0);
    EXPECT_EQ(value<int>("memory", std::uint64_t{12'000'000}), 0);
    EXPECT_EQ(value<int>("memory", std::uint64_t{100'000'000}), 1); // of 64 MiB
    EXPECT_EQ(value<int>("memory", std::uint64_t{12'000'000}), 0);
}
TEST_P(Language, HasMappings)
{
    EXPECT_EQ(value("mappings"), 0);
    EXPECT_EQ(value("mappings"), 0);
}
TEST_P(Language, SystemCallsKeepRegisters)
{
    EXPECT_EQ(value<std::uint64_t>("call_keeps_registers"), 0U);
}

TEST_P(Language, HasTheRightTime)
{
    const auto now = [] {
        return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch())
            .count();
    };
    for (int i = 0; i < 3; i++) {
        const std::int64_t before = now();
        const auto inside = value<std::int64_t>("unix_time");
        const std::int64_t after = now();
        EXPECT_GE(inside, before - 1'000'000);
        EXPECT_LE(inside, after + 1'000'000);
    }
    const auto slept = value<std::int64_t>("sleep_for", std::int64_t{20'000'000});
    EXPECT_GE(slept, 20'000'000);
    EXPECT_LT(slept, 2'000'000'000);
}

TEST_P(Language, EveryCellHasItsOwnRandomNumbers)
{
    std::set<std::uint64_t> numbers, guards;
    for (int i = 0; i < 3; i++) {
        numbers.insert(value<std::uint64_t>("random_number"));
        ASSERT_TRUE(sandbox_->reset());
        numbers.insert(value<std::uint64_t>("random_number"));
        guards.insert(value<std::uint64_t>("stack_guard"));
        auto other = module_->sandbox();
        ASSERT_TRUE(other) << other.error().text();
        sandbox_.emplace(std::move(*other));
    }
    EXPECT_EQ(numbers.size(), 6U);
    EXPECT_EQ(guards.size(), 3U);
}

TEST_P(Language, EndsOfAModuleAreErrors)
{
    const std::array<const char *, 4> words = {"abort()", "exit(7)", "abort()", "write to 0x10"};
    for (int how = 0; how < 4; how++) {
        const auto ended = call<void(int)>("end", how);
        ASSERT_FALSE(ended);
        EXPECT_EQ(ended.error().code(), sbm::Errc::fault);
        EXPECT_NE(std::strstr(ended.error().text(), words[static_cast<std::size_t>(how)]), nullptr)
            << ended.error().text();
        ASSERT_TRUE(sandbox_->reset());
        EXPECT_EQ(value("count_calls"), 1);
    }
    EXPECT_EQ(value("count_calls"), 2); // nothing but a reset makes it forget
}

TEST_P(Language, AFaultNamesItsPlace)
{
    ASSERT_FALSE(call<void(int)>("end", 3));
    ASSERT_NE(sandbox_->fault(), nullptr);
    EXPECT_EQ(sandbox_->fault()->kind, SBM_FAULT_MEMORY);
    EXPECT_EQ(sandbox_->fault()->address, 0x10U);
    EXPECT_STREQ(sandbox_->fault()->function, "end(int)");
    EXPECT_NE(std::strstr(sandbox_->fault()->file, "sample.cpp"), nullptr)
        << sandbox_->fault()->file;
}

TEST_P(Language, AnEndlessCallEnds)
{
    sbm::Options options;
    options.level = static_cast<sbm::Level>(GetParam().level);
    options.wall_time = 50ms;
    auto limited = module_->sandbox(options);
    ASSERT_TRUE(limited) << limited.error().text();
    sandbox_.emplace(std::move(*limited));
    const auto ended = call<void(int)>("end", 4);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code(), sbm::Errc::timed_out);
    ASSERT_TRUE(sandbox_->reset());
    EXPECT_EQ(value("count_calls"), 1);
}

TEST_P(Language, AnExceptionThatLeavesSaysTypeAndText)
{
    const std::array<const char *, 3> words = {"std::out_of_range: index 7 of 3",
                                               "std::bad_alloc: std::bad_alloc", "exception int"};
    for (int which = 0; which < 3; which++) {
        const auto thrown = call<int(int)>("throw_standard", which);
        ASSERT_FALSE(thrown);
        EXPECT_NE(std::strstr(thrown.error().text(), words[static_cast<std::size_t>(which)]),
                  nullptr)
            << thrown.error().text();
        ASSERT_TRUE(sandbox_->reset());
    }
    EXPECT_EQ(value<int>("throw_standard", 3), 3);
}

TEST_P(Language, RefusedSystemCallsAreCountedByName)
{
    constexpr std::uint64_t kErrors = std::uint64_t{ENOENT} << 24 | std::uint64_t{ENOSYS} << 16 |
                                      std::uint64_t{ENOSYS} << 8 | std::uint64_t{ENOSYS};
    EXPECT_EQ(value<std::uint64_t>("refused"), kErrors);
    std::map<std::string, std::uint64_t> calls;
    for (const sbm::RefusedCall &call : sandbox_->refused_calls())
        calls[call.name] = call.count;
    const std::map<std::string, std::uint64_t> expected = {
        {"openat", 1}, {"socket", 2}, {"clone", 1}};
    EXPECT_EQ(calls, expected);
    ASSERT_TRUE(sandbox_->reset());
    EXPECT_TRUE(sandbox_->refused_calls().empty());
}

TEST_P(Language, TheLogIsBounded)
{
    EXPECT_EQ(value<int>("write_log", std::uint64_t{1'000'000}), 0);
    const std::string log = sandbox_->log();
    EXPECT_LT(log.size(), 9000U);
    EXPECT_NE(log.find("bytes more"), std::string::npos);
    EXPECT_EQ(value<int>("write_log", std::uint64_t{3}), 0);
    EXPECT_EQ(sandbox_->log(), "lll"); // of the last call
}

TEST_P(Language, PassesEveryKindOfParameter)
{
    const std::string text = "stressed";
    std::vector<std::byte> bytes(text.size());
    std::memcpy(bytes.data(), text.data(), text.size());
    sbm::Untrusted<std::array<std::byte, 8>> out;
    sbm::Untrusted<std::vector<Pair>> pairs(std::vector<Pair>{{1, 'a', {}}, {2, 'b', {}}});
    auto result = call<Pair(sbm::In<std::byte>, sbm::Out<std::byte>, sbm::InOut<Pair>, double)>(
        "reverse", bytes, out, pairs, 1.5);
    ASSERT_TRUE(result) << result.error().text();
    const Pair pair = result->trusted_because("it is a test");
    EXPECT_EQ(pair.first, 2);
    EXPECT_EQ(pair.weights[2], 4.5);
    const auto reversed = out.trusted_because("it is a test");
    EXPECT_EQ(std::memcmp(reversed.data(), "desserts", 8), 0);
    EXPECT_EQ(pairs.trusted_because("it is a test")[1].first, 10);
}

TEST_P(Language, AWrongSignatureNamesBoth)
{
    const auto wrong = module_->function<long(sbm::In<char>)>("count_calls");
    ASSERT_FALSE(wrong);
    EXPECT_NE(std::strstr(wrong.error().text(), "i32()"), nullptr) << wrong.error().text();
    EXPECT_NE(std::strstr(wrong.error().text(), "i64(in<char>)"), nullptr);
    const auto missing = module_->function<int()>("no_such");
    ASSERT_FALSE(missing);
    EXPECT_NE(std::strstr(missing.error().text(), "no_such"), nullptr);
}

TEST_P(Language, FunctionsOfOthersAreRefused)
{
    auto other = sbm::Module::load(GetParam().file);
    ASSERT_TRUE(other);
    const auto function = other->function<int()>("count_calls");
    ASSERT_TRUE(function);
    const auto refused = sandbox_->call(*function);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), sbm::Errc::misuse);
    const auto in_place = sandbox_->call(
        +[](int x) { return x; }, 1);
    ASSERT_FALSE(in_place);
    EXPECT_EQ(in_place.error().code(), sbm::Errc::misuse);
    EXPECT_EQ(value("count_calls"), 1);
}

constexpr Case kCases[] = {
    {SBM_LEVEL_PROCESS, SAMPLE_MODULE, "process"},
    {SBM_LEVEL_PROCESS, SAMPLE_MODULE_FIXED, "process_fixed"},
    {SBM_LEVEL_VM, SAMPLE_MODULE, "vm"},
    {SBM_LEVEL_VM, SAMPLE_MODULE_FIXED, "vm_fixed"},
};
INSTANTIATE_TEST_SUITE_P(Modules, Language, testing::ValuesIn(kCases),
                         [](const auto &test) { return test.param.name; });

TEST(Embedded, AModuleInTheProgramIsLoaded)
{
    const auto module = sbm::Module::load(sample_module_module());
    ASSERT_TRUE(module) << module.error().text();
    auto sandbox = module->sandbox();
    ASSERT_TRUE(sandbox);
    const auto function = module->function<int()>("constructors");
    ASSERT_TRUE(function);
    const auto result = sandbox->call(*function);
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(result->trusted_because("it is a test"), 0);
}

} // namespace
