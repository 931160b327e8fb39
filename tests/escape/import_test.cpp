// SPDX-License-Identifier: Apache-2.0
//
// A module lies in what it asks the host: about which function, where the arguments are,
// and which bytes belong to them. The functions of the host never see it, and nothing of
// the host is read or written. For functions in place, HostCall in mailbox_test.cpp.
#include <sbm/module.hpp>

#include <escape_cxx_module.module.hpp>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <optional>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Word = std::uint64_t;

Word address_of(const void *pointer)
{
    return reinterpret_cast<Word>(pointer);
}

class Imports : public testing::TestWithParam<sbm::Level> {
protected:
    void SetUp() override
    {
        char reason[256];
        const auto level = static_cast<enum sbm_level>(GetParam());
        if (const char *missing = sbm_level_missing(level, reason, sizeof reason))
            GTEST_SKIP() << missing;
        open({.level = GetParam(), .memory = 2 << 20});
    }

    void open(const sbm::Options &options)
    {
        sandbox_.reset();
        auto module = sbm::Module::load(escape_cxx_module_module(), options);
        ASSERT_TRUE(module) << module.error().text();
        module_.emplace(std::move(*module));
        auto sandbox = module_->sandbox();
        ASSERT_TRUE(sandbox) << sandbox.error().text();
        sandbox_.emplace(std::move(*sandbox));
        provide();
    }

    void provide()
    {
        const auto echo = sandbox_->provide<long(sbm::In<char>, sbm::Out<char>, long)>(
            "echo", [this](sbm::In<char> data, sbm::Out<char> copy, long value) -> long {
                calls_++;
                if (!data.empty() && !copy.empty())
                    std::memcpy(copy.data(), data.data(), std::min(data.size(), copy.size()));
                return std::chrono::steady_clock::now() > stop_at_ ? -1 : value + 1;
            });
        ASSERT_TRUE(echo) << echo.error().text();
        const auto watch = sandbox_->provide<void(sbm::In<std::uint8_t>)>(
            "watch", [this](sbm::In<std::uint8_t> bytes) { look(bytes); });
        ASSERT_TRUE(watch) << watch.error().text();
    }

    // Reads the bytes several times, and notes when two readings differ.
    void look(sbm::In<std::uint8_t> bytes)
    {
        const volatile std::uint8_t *data = bytes.data();
        unsigned first = 0;
        calls_++;
        for (int round = 0; round < 4; round++) {
            unsigned sum = 0;
            for (std::size_t i = 0; i < bytes.size(); i++)
                sum = sum * 31 + data[i];
            if (round == 0)
                first = sum;
            changed_ += sum != first;
        }
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
    Word place(const char *name) { return call<Word()>(name)->trusted_because("it is a test"); }

    template <class Answer> void expect_refused(const Answer &answer, Word what)
    {
        EXPECT_FALSE(answer) << std::hex << what;
        ASSERT_NE(sandbox_->fault(), nullptr) << std::hex << what;
        EXPECT_EQ(sandbox_->fault()->kind, SBM_FAULT_HOST_CALL) << sandbox_->fault()->text;
        expect_works();
    }
    void expect_works()
    {
        ASSERT_TRUE(sandbox_->reset());
        const auto answer = call<int(int)>("honest", 41);
        ASSERT_TRUE(answer) << answer.error().text();
        EXPECT_EQ(answer->trusted_because("it is a test"), 42);
    }

    using Ask = int(Word, Word);
    using Echo = long(Word, Word, Word, Word);

    std::optional<sbm::Module> module_;
    std::optional<sbm::Sandbox> sandbox_;
    std::chrono::steady_clock::time_point stop_at_ = std::chrono::steady_clock::time_point::max();
    long calls_ = 0, changed_ = 0;
};

std::string name_of(const testing::TestParamInfo<sbm::Level> &info)
{
    return std::string(sbm_level_name(static_cast<enum sbm_level>(info.param))) + "_module";
}
INSTANTIATE_TEST_SUITE_P(Level, Imports, testing::Values(sbm::Level::process, sbm::Level::vm),
                         name_of);

TEST_P(Imports, ReadAndWriteMemoryOfTheCell)
{
    const Word bytes = place("address_of_bytes"), constants = place("address_of_constants");
    const auto answer = call<Echo>("ask_echo", constants, Word{8}, bytes, Word{4});
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(answer->trusted_because("it is a test"), 42);
    EXPECT_EQ(calls_, 1);
}

TEST_P(Imports, MustBeOnesOfTheModule)
{
    const Word record = place("record_of_echo"), constants = place("address_of_constants");
    for (const Word address : {Word{0}, Word{1}, record + 1, record + 4, record - 4,
                               record + 64 * 16, record - 64 * 16, constants, address_of(&calls_),
                               address_of(std::getenv("PATH")), Word{1} << 63, ~Word{0}, ~Word{15}})
        expect_refused(call<Ask>("ask", address, constants), address);
    EXPECT_EQ(calls_, 0) << "no function of the host ran";
}

TEST_P(Imports, ArgumentsMustLieInTheCell)
{
    const Word record = place("record_of_echo"), mailbox = place("address_of_mailbox");
    const auto heap = std::make_unique<std::array<Word, 8>>();
    for (const Word address :
         {Word{0}, Word{8}, address_of(heap.get()), address_of(&calls_),
          mailbox & ~(Word{2 << 20} - 1), mailbox - 4, Word{1} << 63, ~Word{0}, ~Word{39}})
        expect_refused(call<Ask>("ask", record, address), address);
    EXPECT_EQ(calls_, 0);
}

TEST_P(Imports, BuffersMustLieInTheCell)
{
    std::vector<char> host(100, 'h');
    const Word outside = address_of(host.data()), constants = place("address_of_constants"),
               bytes = place("address_of_bytes");
    struct Try {
        Word data, size, copy, copy_size;
    };
    for (const Try &bad :
         {Try{outside, 8, 0, 0}, Try{0, 0, outside, 8}, Try{0, 8, 0, 0},
          Try{constants, Word{1} << 40, 0, 0}, Try{constants, ~Word{0}, 0, 0},
          Try{constants, ~Word{4095}, 0, 0}, Try{0, 0, constants, 8}, Try{~Word{7}, 16, 0, 0},
          Try{bytes, (16 << 20) + 1, 0, 0}, Try{constants, 8, bytes, ~Word{4}}})
        expect_refused(call<Echo>("ask_echo", bad.data, bad.size, bad.copy, bad.copy_size),
                       bad.data);
    EXPECT_EQ(calls_, 0);
    EXPECT_EQ(host, std::vector<char>(100, 'h'));
}

// The cell's own memory, and its own loss.
TEST_P(Imports, OutputOverTheMailboxHurtsOnlyTheCell)
{
    open({.level = GetParam(), .memory = 2 << 20, .cpu_time = 100ms, .wall_time = 500ms});
    const Word mailbox = place("address_of_mailbox");
    for (Word offset = 0; offset < 256; offset += 64) {
        const Word bytes = place("address_of_bytes");
        static_cast<void>(call<Echo>("ask_echo", bytes, Word{64}, mailbox + offset, Word{64}));
        expect_works();
    }
    EXPECT_EQ(calls_, 4);
}

TEST_P(Imports, EndlessHostCallsEndWithTheLimit)
{
    open({.level = GetParam(), .memory = 2 << 20, .cpu_time = 10s, .wall_time = 200ms});
    stop_at_ = std::chrono::steady_clock::now() + 4s;
    const auto answer = call<void()>("ask_for_ever");
    ASSERT_FALSE(answer) << "stopped by the host's function, not by the limit";
    EXPECT_EQ(answer.error().code(), sbm::Errc::timed_out);
    ASSERT_NE(sandbox_->fault(), nullptr);
    EXPECT_EQ(sandbox_->fault()->kind, SBM_FAULT_WALL_TIME);
    expect_works();
}

// Code of the level `process` can go on while the host serves it.
class RacingImports : public Imports {};
INSTANTIATE_TEST_SUITE_P(Level, RacingImports, testing::Values(sbm::Level::process), name_of);

TEST_P(RacingImports, BytesStandStill)
{
    constexpr int kRounds = 10'000;
    // The attack spins: on a busy machine the standard limits are not enough.
    open({.level = GetParam(), .memory = 2 << 20, .cpu_time = 600s, .wall_time = 600s});
    const auto answer = call<int(int)>("race", kRounds);
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(answer->trusted_because("it is a test"), kRounds);
    EXPECT_EQ(calls_, kRounds);
    EXPECT_EQ(changed_, 0) << "a function saw its arguments change";
    expect_works();
}

} // namespace
