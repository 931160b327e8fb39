// SPDX-License-Identifier: Apache-2.0
//
// Runs that are recorded and played again, at the same strong level and at the other one:
// the same calls with the same answers, although files, network, time and random bytes have
// changed or gone.
#include "src/base/checksum.hpp"

#include "conformance/at_level.hpp"
#include "name_server.hpp"

#include <sbm/app.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>
#include <span>
#include <stop_token>

namespace {

using namespace std::chrono_literals;

struct Seen {
    int status = -1; // or -1: the error says why
    std::string error, output;
    sbm::Errc code{}; // of the error
    std::vector<std::string> calls;
};

class Replay : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        char folder[] = "/tmp/sbm-replay-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        std::filesystem::create_directory(folder_ / "data");
        record_ = folder_ / "run.log";
        policy_.files.push_back({"data", folder_ / "data", true, true, true, true});
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    sbm::Level here() const { return static_cast<sbm::Level>(level()); }

    sbm::AppOptions options(sbm::Level level, Seen &seen) const
    {
        sbm::AppOptions options;
        options.level = level;
        options.output = [&seen](int, std::string_view text) { seen.output += text; };
        options.trace = [&seen](const sbm::TracedCall &call) {
            // Where memory lies in the cell is this run's own affair.
            seen.calls.push_back(call.call == "memory.acquire" ? call.call : call.line());
        };
        return options;
    }
    static void take(const sbm::Result<sbm::AppEnd> &ended, Seen &seen)
    {
        seen.status = ended ? ended->status : -1;
        seen.error = ended ? "" : ended.error().text();
        if (!ended)
            seen.code = ended.error().code();
    }

    Seen record(const char *app, std::vector<std::string> arguments)
    {
        Seen seen;
        std::filesystem::create_directory(folder_ / "data");
        sbm::AppOptions how = options(here(), seen);
        how.arguments = std::move(arguments);
        how.arguments.insert(how.arguments.begin(), "app");
        how.record = record_;
        if (change_)
            change_(how);
        take(sbm::run_app(app, policy_, how), seen);
        return seen;
    }
    Seen replay(sbm::Level level)
    {
        Seen seen;
        take(sbm::replay_app(record_, options(level, seen)), seen);
        return seen;
    }

    // At both levels, or at this one if the other cannot be had here.
    void expect_the_same(const Seen &recorded)
    {
        std::filesystem::remove_all(folder_ / "data");
        for (const sbm::Level level : {sbm::Level::process, sbm::Level::vm}) {
            char reason[256];
            if (sbm_level_missing(static_cast<sbm_level>(level), reason, sizeof reason))
                continue;
            const Seen played = replay(level);
            EXPECT_EQ(played.status, recorded.status) << played.error;
            EXPECT_EQ(played.output, recorded.output);
            EXPECT_EQ(played.calls, recorded.calls);
        }
    }
    std::string bytes() const
    {
        std::ifstream file(record_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void put(const std::string &name, const std::string &text) const
    {
        std::ofstream(folder_ / name, std::ios::binary) << text;
    }

    std::filesystem::path folder_, record_;
    sbm::Policy policy_;
    std::function<void(sbm::AppOptions &)> change_; // of a recording
};

TEST_P(Replay, GivesFilesAgain)
{
    put("data/from", std::string(100'000, 'x') + "end");
    const Seen recorded = record(SBM_FILES_APP, {"copy", "/data/from", "/data/to"});
    EXPECT_EQ(recorded.status, 0) << recorded.error;
    expect_the_same(recorded);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "data")) << "a replay wrote";
    const Seen failed = record(SBM_FILES_APP, {"copy", "/data/none", "/data/to"});
    EXPECT_NE(failed.status, 0);
    expect_the_same(failed);
}

TEST_P(Replay, GivesTimeAndRandomBytesAgain)
{
    const Seen clocks = record(SBM_NETWORK_APP, {"clocks", "0"});
    EXPECT_EQ(clocks.status, 0) << clocks.error;
    expect_the_same(clocks);
    const Seen random = record(SBM_NETWORK_APP, {"random"});
    EXPECT_EQ(random.status, 0) << random.error;
    EXPECT_NE(random.output, "");
    expect_the_same(random);
    const Seen timers = record(SBM_NETWORK_APP, {"timers"});
    EXPECT_EQ(timers.status, 0) << timers.error;
    expect_the_same(timers);
}

TEST_P(Replay, GivesTheNetworkAgain)
{
    const auto [listener, number] = loopback::bind(SOCK_STREAM, 1);
    ASSERT_NE(number, 0);
    const std::string port = std::to_string(number);
    std::thread server([listener = listener] {
        const int peer = ::accept(listener, nullptr, nullptr);
        char bytes[100];
        EXPECT_GT(::recv(peer, bytes, sizeof bytes, 0), 0);
        EXPECT_EQ(::send(peer, "answer", 6, MSG_NOSIGNAL), 6);
        ::close(peer);
    });
    NameServer names;
    names.set("friend.example", {{"127.0.0.1"}});
    policy_.network.emplace();
    policy_.network->servers = {names.server()};
    policy_.network->connect = {"friend.example:*"};
    policy_.network->addresses = {"127.0.0.1"};
    const Seen recorded = record(SBM_NETWORK_APP, {"get", "friend.example", port, "question"});
    server.join();
    ::close(listener);
    EXPECT_EQ(recorded.status, 0) << recorded.error;
    EXPECT_EQ(recorded.output, "answer");
    expect_the_same(recorded);
}

#ifdef SBM_LUA_APP
// Tables of Lua are in an order that depends on where things lie.
TEST_P(Replay, GivesAProgramAgain)
{
    const char *program = R"(
        local t = {}
        for i = 1, 50 do t["key" .. math.random(1000)] = os.clock() + os.time() end
        for k, v in pairs(t) do print(k, v) end
        print(t, print, io.stdout)
        io.open("/data/file", "w"):write("text"):close()
        for line in io.lines("/data/file") do print(line) end
    )";
    const Seen recorded = record(SBM_LUA_APP, {"-e", program});
    EXPECT_EQ(recorded.status, 0) << recorded.error << recorded.output;
    expect_the_same(recorded);
}
#endif

TEST_P(Replay, TellsWhereARunEndedOtherwise)
{
    const Seen crashed = record(SBM_FILES_APP, {"crash"});
    EXPECT_EQ(crashed.status, -1);
    EXPECT_NE(crashed.error.find("write to 0"), std::string::npos) << crashed.error;
    const Seen again = replay(here());
    EXPECT_EQ(again.error, crashed.error) << "the same crash";
    std::stop_source source;
    change_ = [&](sbm::AppOptions &how) {
        how.stop = source.get_token();
        how.trace = [&](const sbm::TracedCall &) { source.request_stop(); };
    };
    const Seen stopped = record(SBM_NETWORK_APP, {"sleep"});
    EXPECT_EQ(stopped.status, -1);
    const Seen played = replay(here());
    EXPECT_NE(played.error.find("the recorded run ended here"), std::string::npos) << played.error;
}

TEST_P(Replay, SaysWhereItDiffers)
{
    const Seen recorded = record(SBM_FILES_APP, {"size", "/data/one"});
    ASSERT_GE(recorded.status, 0) << recorded.error;
    // What the app was told its argument is becomes another one, and the checksum is mended:
    // the app then asks for a file that it did not ask for before.
    std::string all = bytes();
    const std::size_t at = all.find("/data/one");
    ASSERT_NE(at, std::string::npos);
    std::string other = all;
    other.replace(at, 9, "/data/two");
    put("run.log", other);
    const Seen damaged = replay(here());
    EXPECT_NE(damaged.error.find("wrong checksum"), std::string::npos) << damaged.error;
    // The piece begins with its size, its kind (a call) and its checksum.
    std::size_t piece = at;
    std::uint64_t length = 0, kind = 0;
    while (piece-- > at - 400) {
        std::memcpy(&length, all.data() + piece, sizeof length);
        std::memcpy(&kind, all.data() + piece + 8, sizeof kind);
        if (kind == 2 && piece + 24 + length > at && length < 400)
            break;
    }
    const std::uint64_t sum =
        cell::checksum_of(std::as_bytes(std::span(other)).subspan(piece + 24, length));
    std::memcpy(other.data() + piece + 16, &sum, sizeof sum);
    put("run.log", other);
    const Seen differs = replay(here());
    EXPECT_NE(differs.error.find("the run differs at call "), std::string::npos) << differs.error;
    EXPECT_NE(differs.error.find("data/one"), std::string::npos) << differs.error;
    EXPECT_NE(differs.error.find("data/two"), std::string::npos) << differs.error;
}

TEST_P(Replay, OfWhatIsNoRecordIsMisuse)
{
    ASSERT_EQ(record(SBM_FILES_APP, {"arguments", "x"}).status, 0);
    const std::string all = bytes();
    for (const std::string &text : {std::string(), std::string("sbmrun1\n"), std::string("text"),
                                    all.substr(0, 100), all.substr(0, all.size() / 2)}) {
        put("run.log", text);
        const Seen played = replay(here());
        EXPECT_EQ(played.status, -1);
        EXPECT_EQ(played.code, sbm::Errc::misuse) << played.error;
    }
    put("run.log", all.substr(0, all.size() - 60)); // as if the recorder had been ended
    EXPECT_NE(replay(here()).error.find("the record ends after"), std::string::npos);
    record_ = folder_ / "none/run.log";
    EXPECT_EQ(record(SBM_FILES_APP, {"arguments"}).status, -1);
    std::filesystem::create_symlink(folder_ / "run.log", folder_ / "link");
    std::filesystem::create_hard_link(folder_ / "run.log", folder_ / "hard");
    for (const char *name : {"link", "hard"}) {
        record_ = folder_ / name;
        EXPECT_EQ(record(SBM_FILES_APP, {"arguments"}).status, -1) << name;
    }
    EXPECT_EQ(std::filesystem::file_size(folder_ / "run.log"), all.size() - 60)
        << "nothing was cut";
}

INSTANTIATE_TEST_SUITE_P(Level, Replay, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

} // namespace
