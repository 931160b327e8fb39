// SPDX-License-Identifier: Apache-2.0
//
// Programs that nobody wrote for cells: the Lua interpreter and SQLite, from the static
// libraries of the distribution, at both strong levels.
#include "conformance/at_level.hpp"

#include <sbm/app.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

namespace {

class Programs : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        char folder[] = "/tmp/sbm-programs-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        policy_.files.push_back({"data", folder_, true, true, true, true});
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    // What it wrote to standard output; and to standard error, if it failed.
    std::string run(const char *app, std::vector<std::string> arguments, int wanted = 0)
    {
        std::string output;
        sbm::AppOptions options;
        options.level = static_cast<sbm::Level>(level());
        options.arguments = std::move(arguments);
        options.arguments.insert(options.arguments.begin(), "app");
        options.output = [&](int stream, std::string_view text) {
            if (stream == 1 || wanted != 0)
                output += text;
            else
                ADD_FAILURE() << text;
        };
        const auto ended = sbm::run_app(app, policy_, options);
        EXPECT_TRUE(ended) << ended.error().text();
        EXPECT_EQ(ended ? ended->status : -1, wanted) << output;
        return output;
    }

    // The same of a command without any sandbox, and its exit status.
    static std::pair<std::string, int> outside(const std::string &command)
    {
        std::string output;
        FILE *pipe = ::popen((command + " < /dev/null 2> /dev/null").c_str(), "re");
        std::array<char, 65536> part;
        for (std::size_t count; pipe && (count = ::fread(part.data(), 1, part.size(), pipe)) > 0;)
            output.append(part.data(), count);
        return {output, pipe ? ::pclose(pipe) : -1};
    }

    std::filesystem::path folder_;
    sbm::Policy policy_;
};

#ifdef SBM_LUA_APP
TEST_P(Programs, LuaComputes)
{
    EXPECT_EQ(run(SBM_LUA_APP, {"-e", "print(_VERSION, 6 * 7, 2^0.5, #'text', 7 // 2)"}),
              "Lua 5.4\t42\t1.4142135623731\t4\t3\n");
    const char *program = R"(
        local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
        local words = {}
        for word in string.gmatch("the quick brown fox", "%a+") do words[#words + 1] = word end
        table.sort(words)
        local thread = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i * i) end end)
        print(fib(20), table.concat(words, ","), thread(), thread(), thread())
        local ok, why = pcall(error, {code = 5})
        print(ok, why.code, string.format("%5.2f|%-4s|%x", 3.14159, "ab", 255))
        collectgarbage()
        print(math.type(3), math.maxinteger, utf8.len("äöü"), os.time() > 1700000000)
    )";
    EXPECT_EQ(run(SBM_LUA_APP, {"-e", program}), "6765\tbrown,fox,quick,the\t1\t4\t9\n"
                                                 "false\t5\t 3.14|ab  |ff\n"
                                                 "integer\t9223372036854775807\t3\ttrue\n");
}

TEST_P(Programs, LuaUsesFiles)
{
    std::ofstream(folder_ / "script.lua") << R"(
        local name, count = ...
        local out = assert(io.open(name, "w"))
        for i = 1, tonumber(count) do out:write(i, " line\n") end
        out:close()
        local sum = 0
        for line in io.lines(name) do sum = sum + tonumber(line:match("%d+")) end
        print(arg[0], sum)
        local file = assert(io.open(name, "r+"))
        file:seek("set", 2) file:write("LINE") file:seek("end", -5) print(file:read("a"))
        file:close()
        assert(os.remove(name))
        print(select(2, io.open(name)))
        print(select(2, io.open("/etc/passwd")))
        print(os.execute(), os.getenv("HOME"))
    )";
    EXPECT_EQ(run(SBM_LUA_APP, {"/data/script.lua", "/data/numbers", "1000"}),
              "/data/script.lua\t500500\nline\n\n"
              "/data/numbers: No such file or directory\t2\n"
              "/etc/passwd: Permission denied\t13\nfalse\tnil\n");
}

// The scripts that Lua was distributed with for tests: each prints the same as in the
// distribution's own interpreter, if it runs in this version of the language at all.
TEST_P(Programs, LuaPassesTestsOfItsDistribution)
{
    const std::filesystem::path folder = "/usr/share/doc/lua5.1-doc/test";
    if (!std::filesystem::exists(folder) || std::system("lua5.4 -v > /dev/null 2>&1") != 0)
        GTEST_SKIP() << "lua5.1-doc or lua5.4 is not installed";
    policy_.files.push_back({"tests", folder, true});
    policy_.log = 16 << 20;
    int same = 0;
    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().filename();
        // They print where they are, how long it took, and what time it is.
        if (entry.path().extension() != ".lua" || name == "trace-calls.lua" || name == "fib.lua" ||
            name == "printf.lua")
            continue;
        SCOPED_TRACE(name);
        const auto [output, status] = outside("cd " + folder.string() + " && lua5.4 " + name);
        if (status != 0) // it is of an older version
            continue;
        EXPECT_TRUE(run(SBM_LUA_APP, {"/tests/" + name}) == output);
        same++;
    }
    EXPECT_GE(same, 9);
}

TEST_P(Programs, LuaFailsWithATrace)
{
    const std::string output =
        run(SBM_LUA_APP, {"-e", "local function f() error('oh') end f()"}, 1);
    EXPECT_NE(output.find("lua: -e:1: oh"), std::string::npos) << output;
    EXPECT_NE(output.find("stack traceback"), std::string::npos) << output;
}
#endif

#ifdef SBM_SQLITE_APP
TEST_P(Programs, SqliteKeepsADatabase)
{
    EXPECT_EQ(run(SBM_SQLITE_APP,
                  {"/data/a.db", "create table t(n integer primary key, s text)",
                   "insert into t(s) values ('one'), ('two'), ('three')", "select * from t"}),
              "1|one\n2|two\n3|three\n");
    EXPECT_EQ(
        run(SBM_SQLITE_APP,
            {"/data/a.db", "begin",
             "with recursive c(i) as (select 1 union all select i + 1 from c where i < 20000) "
             "insert into t(s) select 'row ' || i from c",
             "commit", "create index byname on t(s)", "pragma integrity_check",
             "select count(*), max(n), sum(length(s)) from t",
             "select n from t where s = 'row 12345'", "vacuum"}),
        "ok\n20003|20003|168905\n12348\n");
    EXPECT_GT(std::filesystem::file_size(folder_ / "a.db"), 300'000U);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "a.db-journal"));
    const std::string denied = run(SBM_SQLITE_APP, {"/other/a.db", "create table t(n)"}, 1);
    EXPECT_NE(denied.find("unable to open"), std::string::npos) << denied;
}

// Ended in the middle of whatever it does: what was committed is there, and is whole.
TEST_P(Programs, SqliteLosesNothingThatWasCommitted)
{
    run(SBM_SQLITE_APP, {"/data/a.db", "create table t(n integer, s text)"});
    std::mt19937 random(1);
    int kept = 0, cut = 0;
    std::chrono::nanoseconds whole{0}; // how long it takes when nobody ends it
    for (int round = 0; round < 12 || (cut == 0 && round < 100); round++) {
        sbm::Policy impatient = policy_;
        if (round > 0)
            impatient.wall_time = whole * (5 + random() % 90) / 100;
        std::vector<std::string> arguments = {"app", "/data/a.db"};
        for (int i = 0; i < 50; i++)
            arguments.push_back(
                "insert into t values ((select count(*) from t), hex(randomblob(900))); "
                "select 'committed ' || count(*) from t");
        int told = kept;
        sbm::AppOptions options;
        options.level = static_cast<sbm::Level>(level());
        options.arguments = std::move(arguments);
        options.output = [&](int stream, std::string_view text) {
            int number = 0;
            if (stream == 1 && std::sscanf(std::string(text).c_str(), "committed %d", &number) == 1)
                told = number;
        };
        const auto begin = std::chrono::steady_clock::now();
        const bool ended = static_cast<bool>(sbm::run_app(SBM_SQLITE_APP, impatient, options));
        const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - begin;
        cut += !ended;
        if (ended) // a busy machine may have made the first one long
            whole = round == 0 ? took : std::min(whole, took);
        int found = -1;
        char check[16] = "";
        const std::string state =
            run(SBM_SQLITE_APP, {"/data/a.db", "select count(*) from t", "pragma integrity_check",
                                 "select count(*) from t where n >= (select count(*) from t)"});
        ASSERT_EQ(std::sscanf(state.c_str(), "%d %15s", &found, check), 2) << state;
        EXPECT_STREQ(check, "ok");
        EXPECT_GE(found, told) << "round " << round << ": a committed row is gone";
        EXPECT_LE(found, told + 1) << "round " << round;
        kept = found;
    }
    EXPECT_GT(cut, 0) << "no run was cut off";
}
#endif

INSTANTIATE_TEST_SUITE_P(Level, Programs, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

} // namespace
