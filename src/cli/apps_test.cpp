// SPDX-License-Identifier: Apache-2.0
//
// The commands that look after apps, as their user sees them.
#include "background.hpp"

#include <sbm/types.h>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>

namespace {

using cli_test::await;
using cli_test::Background;
using cli_test::content;
using cli_test::Ended;
using cli_test::run;
using nlohmann::json;

class AppCommands : public testing::Test {
protected:
    void SetUp() override
    {
        char folder[] = "/tmp/sbm-apps-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        std::filesystem::create_directory(folder_ / "data");
        std::filesystem::create_directory(folder_ / "runtime");
        // Of the test's children, and of nobody else.
        ::setenv("XDG_RUNTIME_DIR", file("runtime").c_str(), 1);
        write("app.toml", "[files.data]\npath = \"data\"\nread = true\ncreate = true\n");
    }
    void TearDown() override
    {
        ::unsetenv("XDG_RUNTIME_DIR");
        std::filesystem::remove_all(folder_);
    }

    std::string file(const char *name) const { return (folder_ / name).string(); }
    void write(const char *name, const std::string &text) { std::ofstream(folder_ / name) << text; }
    Ended sbm(const std::string &arguments) { return run(arguments + " 2>&1"); }
    static bool has(const std::string &text, const std::string &words)
    {
        return text.find(words) != std::string::npos;
    }
    static std::vector<json> lines(const std::string &text)
    {
        std::vector<json> result;
        std::istringstream stream(text);
        for (std::string line; std::getline(stream, line);)
            result.push_back(json::parse(line, nullptr, false));
        return result;
    }
    // A running app, once it is listed.
    json listed(int process)
    {
        json found;
        await([&] {
            for (const json &app : cli_test::parsed(run("ps --json")))
                if (app["pid"] == process && app["calls"] > 2) // of its arguments
                    found = app;
            return !found.is_null();
        });
        return found;
    }
    std::size_t listed_files() const
    {
        std::size_t count = 0;
        for (const auto &entry : std::filesystem::directory_iterator(folder_ / "runtime/sbm"))
            count += entry.is_regular_file();
        return count;
    }

    std::filesystem::path folder_;
};

// ---- audit and trace ----

TEST_F(AppCommands, AuditAddsLinesToAFile)
{
    const std::string app = " " SBM_FILES_APP " -- ";
    const std::string audited = "run --policy " + file("app.toml") + " --audit " + file("log");
    EXPECT_EQ(sbm(audited + app + "size /etc/passwd").status, EACCES);
    EXPECT_EQ(sbm(audited + app + "exit 7").status, 7);
    const auto all = lines(content(file("log")));
    ASSERT_GE(all.size(), 5U);
    EXPECT_EQ(all[0]["event"], "start");
    EXPECT_EQ(all[0]["app"], SBM_FILES_APP);
    EXPECT_EQ(all[0]["policy"], file("app.toml"));
    EXPECT_EQ(all[1]["argument"], "etc/passwd");
    EXPECT_EQ(all[1]["would_allow"], "[files.etc]\npath = \"/...\"\nread = true");
    EXPECT_EQ(all.back()["status"], 7);
    struct stat status {};
    ASSERT_EQ(::stat(file("log").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST_F(AppCommands, AuditGoesThroughNoLinkAndToNothingButAFile)
{
    write("target", "");
    std::filesystem::create_symlink(file("target"), folder_ / "link");
    std::filesystem::create_directory_symlink(folder_ / "data", folder_ / "folder");
    ASSERT_EQ(::mkfifo(file("pipe").c_str(), 0600), 0);
    write("named", "");
    std::filesystem::create_hard_link(file("named"), folder_ / "hard");
    for (const char *name : {"link", "hard", "folder/log", "pipe", "data", "none/log"}) {
        const Ended ended =
            sbm("run " SBM_FILES_APP " --audit " + file(name) + " -- arguments ran");
        EXPECT_EQ(ended.status, 125) << name;
        EXPECT_FALSE(has(ended.output, "ran")) << "nothing runs unseen";
    }
    EXPECT_EQ(content(file("target")), "");
    EXPECT_EQ(content(file("named")), "");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "data/log"));
    EXPECT_EQ(sbm("run " SBM_FILES_APP " --audit " + file("target") + " -- exit 3").status, 3);
    EXPECT_NE(content(file("target")), "");
}

TEST_F(AppCommands, AuditOnAFullDiskEndsNoApp)
{
    // Beyond a limit of the file's size a write fails as on a full disk. It is far enough for
    // the memory files of the cell.
    constexpr std::uintmax_t kLimit = std::uintmax_t{64} << 30;
    write("log", "");
    std::filesystem::resize_file(folder_ / "log", kLimit);
    const Ended ended = run("run --audit " + file("log") + " " SBM_FILES_APP " -- exit 5 2>&1",
                            "exec prlimit --fsize=" + std::to_string(kLimit));
    EXPECT_EQ(ended.status, 5) << ended.output;
    EXPECT_TRUE(has(ended.output, "2 lines of the audit log were dropped")) << ended.output;
}

TEST_F(AppCommands, TracePrintsCallsWithTimes)
{
    write("data/a", "text");
    const std::string command = "trace " SBM_FILES_APP " --policy " + file("app.toml");
    const Ended text = sbm(command + " -- size /data/a");
    EXPECT_EQ(text.status, 0);
    const std::size_t at = text.output.find(" file.open(path \"data/a\", rights 1) = ok 1 <");
    ASSERT_NE(at, std::string::npos) << text.output;
    // Seconds before it, and how long it took behind it.
    const std::size_t start = text.output.rfind('\n', at) + 1;
    EXPECT_GT(std::stod(text.output.substr(start, at - start)), 0) << text.output;
    EXPECT_TRUE(has(text.output.substr(at, text.output.find('\n', at) - at), " us>"));
    EXPECT_EQ(sbm(command + " --json -o " + file("calls") + " -- size /data/a").output, "4\n");
    const auto calls = lines(content(file("calls")));
    ASSERT_GT(calls.size(), 3U);
    const auto open = std::find_if(calls.begin(), calls.end(),
                                   [](const json &call) { return call["call"] == "file.open"; });
    ASSERT_NE(open, calls.end());
    EXPECT_EQ((*open)["parameters"], (json{{"path", "\"data/a\""}, {"rights", 1}}));
    EXPECT_EQ((*open)["status"], "ok");
    EXPECT_EQ((*open)["results"], json::array({1}));
    EXPECT_EQ(calls.back()["call"], "self.exit");
    EXPECT_EQ(sbm("trace " SBM_FILES_APP " -o /none/calls -- exit 0").status, 125);
}

// ---- learn ----

TEST_F(AppCommands, LearnWritesAPolicyThatTheSameRunPassesUnder)
{
    write("data/in", "text");
    const Ended learned =
        sbm("learn " SBM_FILES_APP " --allow " + file("data") + " --allow more=" + file("runtime") +
            " -o " + file("out.toml") + " -- copy /data/in /data/out");
    EXPECT_EQ(learned.status, 0) << learned.output;
    EXPECT_TRUE(has(learned.output, "granted, used:   [files.data] create: 1 call, the first: "
                                    "file.create \"data/out\"\n"))
        << learned.output;
    EXPECT_TRUE(has(learned.output, "granted, not used: [files.data] remove\n"));
    EXPECT_TRUE(has(learned.output, "granted, not used: [files.more] read\n"));
    std::filesystem::remove(folder_ / "data/out");
    const std::string again = "run " SBM_FILES_APP " --policy " + file("out.toml") + " -- ";
    EXPECT_EQ(sbm(again + "copy /data/in /data/out").output, "");
    EXPECT_EQ(content(file("data/out")), "text");
    EXPECT_EQ(sbm(again + "remove /data/out").status, EACCES);
    EXPECT_EQ(sbm("explain " + file("out.toml")).status, 0);
}

TEST_F(AppCommands, LearnGrantsNoFolderThatNobodyNamed)
{
    const Ended learned = sbm("learn " SBM_FILES_APP " -o " + file("out.toml") +
                              " --with-refused -- size /etc/passwd");
    EXPECT_EQ(learned.status, 0) << learned.output;
    EXPECT_TRUE(has(learned.output, "refused:         [files.etc] read: ")) << learned.output;
    EXPECT_TRUE(has(content(file("out.toml")), "# [files.etc]\n# path = \"/...\""));
    EXPECT_TRUE(cli_test::parsed(run("explain --json " + file("out.toml")))["files"].empty());
}

TEST_F(AppCommands, LearnFromAPolicyKeepsToIt)
{
    write("data/a", "text");
    write("start.toml", "[limits]\nhandles = 9\n[files.data]\npath = \"data\"\nwrite = true\n");
    const std::string learn =
        "learn " SBM_FILES_APP " --policy " + file("start.toml") + " -o " + file("out.toml") + " ";
    EXPECT_EQ(sbm(learn + "-- size /data/a").status, 0);
    auto out = cli_test::parsed(run("explain --json " + file("out.toml")));
    EXPECT_EQ(out["handles"], 9);
    EXPECT_TRUE(out["files"].empty()) << content(file("out.toml"));
    EXPECT_EQ(sbm(learn + "--with-refused -- size /data/a").status, 0);
    out = cli_test::parsed(run("explain --json " + file("out.toml")));
    ASSERT_EQ(out["files"].size(), 1U);
    EXPECT_EQ(out["files"][0]["rights"], json::array({"read"}));
    EXPECT_EQ(sbm("run " SBM_FILES_APP " --policy " + file("out.toml") + " -- size /data/a").status,
              0);
}

TEST_F(AppCommands, LearnTellsWhatCannotBe)
{
    EXPECT_EQ(sbm("learn " SBM_FILES_APP " -- exit 0").status, 2) << "where to?";
    EXPECT_EQ(sbm("learn /bin/true -o " + file("out.toml")).status, 125);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out.toml"));
    EXPECT_EQ(sbm("learn " SBM_FILES_APP " -o /none/out.toml -- exit 0").status, 125);
    const Ended crashed = sbm("learn " SBM_FILES_APP " -o " + file("out.toml") + " -- crash");
    EXPECT_EQ(crashed.status, 125);
    EXPECT_TRUE(has(crashed.output, "the policy is of what came before")) << crashed.output;
    EXPECT_EQ(sbm("explain " + file("out.toml")).status, 0);
}

// ---- ps, top and stop ----

TEST_F(AppCommands, PsListsWhatRunsAndStopEndsIt)
{
    write("data/a", "");
    Background app({"run", SBM_FILES_APP, "--policy", file("app.toml"), "--name", "asker", "--",
                    "ask-often", "/data/a"},
                   file("log"));
    const json running = listed(app.process());
    ASSERT_TRUE(running.is_object()) << content(file("log"));
    EXPECT_EQ(running["name"], "asker");
    EXPECT_EQ(running["file"], SBM_FILES_APP);
    EXPECT_TRUE(running["level"] == "vm" || running["level"] == "process");
    EXPECT_GT(running["calls"], 0);
    EXPECT_GT(running["cpu_ns"], 0);
    EXPECT_GT(running["memory_bytes"], 100'000);
    EXPECT_EQ(running["denied"], 0);
    EXPECT_TRUE(has(sbm("ps").output, " asker ")) << sbm("ps").output;
    EXPECT_TRUE(has(sbm("top --once --seconds 0.1").output, " asker "));
    EXPECT_EQ(sbm("stop nobody").status, 1);
    EXPECT_EQ(sbm("stop 1").status, 1) << "no process but those that are listed";
    EXPECT_EQ(sbm("stop asker").status, 0);
    EXPECT_EQ(app.wait(), 128 + SIGTERM);
    EXPECT_TRUE(has(content(file("log")), "the app was ended by Terminated: "))
        << content(file("log"));
    EXPECT_EQ(listed_files(), 0U);
    EXPECT_EQ(run("ps --json").output, "[]\n");
}

// What it computes is not in the process that is listed.
TEST_F(AppCommands, PsCountsWhatTheCellUses)
{
    for (const char *level : {"process", "vm"}) {
        char reason[256];
        sbm_level number = SBM_LEVEL_NONE;
        sbm_level_from_name(level, &number);
        if (sbm_level_missing(number, reason, sizeof reason))
            continue;
        Background app({"run", "--level", level, SBM_FILES_APP, "--", "loop"}, file("log"));
        const json first = listed(app.process());
        ASSERT_TRUE(first.is_object()) << content(file("log"));
        EXPECT_EQ(first["level"], level);
        EXPECT_TRUE(await([&] { return listed(app.process())["cpu_ns"] > 500'000'000; })) << level;
        app.send(SIGTERM);
        EXPECT_EQ(app.wait(), 128 + SIGTERM);
    }
}

TEST_F(AppCommands, StopAsksWhichIfSeveralAreCalledThat)
{
    Background one({"run", SBM_FILES_APP, "--", "sleep"}, file("log1"));
    Background two({"run", SBM_FILES_APP, "--", "sleep"}, file("log2"));
    ASSERT_TRUE(listed(one.process()).is_object());
    ASSERT_TRUE(listed(two.process()).is_object());
    const Ended both = sbm("stop files_app");
    EXPECT_EQ(both.status, 1);
    EXPECT_TRUE(has(both.output, std::to_string(two.process()))) << both.output;
    EXPECT_EQ(sbm("stop " + std::to_string(two.process())).status, 0);
    EXPECT_EQ(two.wait(), 128 + SIGTERM);
    EXPECT_EQ(sbm("stop files_app").status, 0) << "now it is the only one";
    EXPECT_EQ(one.wait(), 128 + SIGTERM);
}

TEST_F(AppCommands, SignalsEndTheAppAndLeaveNothing)
{
    for (const char *what : {"sleep", "loop"}) {
        Background app({"run", SBM_FILES_APP, "--audit", file("audit"), "--", what}, file("log"));
        const json running = listed(app.process());
        ASSERT_TRUE(running.is_object()) << content(file("log"));
        app.send(SIGINT);
        EXPECT_EQ(app.wait(), 128 + SIGINT) << content(file("log"));
        EXPECT_EQ(lines(content(file("audit"))).back()["error"]["code"], "cancelled");
        EXPECT_EQ(listed_files(), 0U);
    }
}

TEST_F(AppCommands, WhatDoesNotEndIsKilled)
{
    Background app({"run", SBM_FILES_APP, "--", "sleep"}, file("log"));
    ASSERT_TRUE(listed(app.process()).is_object());
    app.send(SIGSTOP);
    const Ended stopped = sbm("stop --seconds 0.2 files_app");
    EXPECT_EQ(stopped.status, 0);
    EXPECT_TRUE(has(stopped.output, "was killed")) << stopped.output;
    EXPECT_EQ(app.wait(), -1);
}

TEST_F(AppCommands, WhatWasKilledIsRecognised)
{
    Background app({"run", SBM_FILES_APP, "--", "sleep"}, file("log"));
    ASSERT_TRUE(listed(app.process()).is_object());
    app.send(SIGKILL);
    app.wait();
    EXPECT_EQ(listed_files(), 1U);
    EXPECT_EQ(run("ps --json").output, "[]\n");
    EXPECT_EQ(listed_files(), 0U);
    // The same id, and another process: this one. And files that are none.
    const std::string self = std::to_string(::getpid());
    for (const std::string &name : {self + "-1", self + "-x", "." + self, std::string("x")})
        write(("runtime/sbm/" + name).c_str(), std::string(4096, 'x'));
    EXPECT_EQ(run("ps --json").output, "[]\n");
    EXPECT_EQ(sbm("stop " + self).status, 1);
    EXPECT_EQ(listed_files(), 3U) << "what is not understood is left alone";
}

TEST_F(AppCommands, AFolderThatOthersCanWriteIsNotUsed)
{
    std::filesystem::create_directory(folder_ / "runtime/sbm");
    ASSERT_EQ(::chmod(file("runtime/sbm").c_str(), 0777), 0);
    EXPECT_EQ(sbm("ps").status, 3);
    const Ended ended = sbm("run " SBM_FILES_APP " -- exit 4");
    EXPECT_EQ(ended.status, 4) << "it runs all the same";
    EXPECT_TRUE(has(ended.output, "is not this user's alone")) << ended.output;
    std::filesystem::remove(folder_ / "runtime/sbm");
    std::filesystem::create_directory_symlink(folder_ / "data", folder_ / "runtime/sbm");
    EXPECT_EQ(sbm("ps").status, 3);
    EXPECT_TRUE(has(sbm("run " SBM_FILES_APP " -- exit 4").output, "sbm ps"));
    EXPECT_TRUE(std::filesystem::is_empty(folder_ / "data"));
}

TEST_F(AppCommands, TopOnATerminalGoesOn)
{
    const Ended once = cli_test::run_on_terminal({"top", "--once", "--seconds", "0.1"});
    EXPECT_EQ(once.status, 0);
    EXPECT_FALSE(has(once.output, "\033"));
    int terminal = -1;
    const int process = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    if (process == 0)
        Background::become({"top", "--seconds", "0.1"});
    std::string text;
    char block[512];
    while (std::count(text.begin(), text.end(), '\033') < 4) {
        const ssize_t size = ::read(terminal, block, sizeof block);
        if (size <= 0)
            break;
        text.append(block, static_cast<std::size_t>(size));
    }
    ::kill(process, SIGTERM);
    ::waitpid(process, nullptr, 0);
    ::close(terminal);
    EXPECT_TRUE(has(text, "\033[H\033[J    PID NAME"));
    EXPECT_GE(std::count(text.begin(), text.end(), '\033'), 4);
}

// ---- terminals ----

// A terminal obeys control characters, also those above ASCII; a file keeps them.
TEST_F(AppCommands, OutputOnATerminalIsEscaped)
{
    const std::string text = "a\x1b[2Jb\xc2\x9bJ\x7f\xc3\xa9\t\xe2\x82\x9b";
    const Ended shown = cli_test::run_on_terminal({"run", SBM_FILES_APP, "--", "arguments", text});
    EXPECT_EQ(shown.status, 0);
    EXPECT_TRUE(has(shown.output, "2 a\\x1b[2Jb\xc2\\x9bJ\\x7f\xc3\xa9\t\xe2\x82\x9b\r\n"))
        << shown.output;
    const Ended kept = run("run " SBM_FILES_APP " -- arguments '" + text + "'");
    EXPECT_EQ(kept.output, "1 arguments\n2 " + text + "\n");
}

TEST_F(AppCommands, DenialsAreEscapedAndNotWithoutEnd)
{
    const Ended odd = sbm("run " SBM_FILES_APP " -- size '/\x1b[2J\xc2\x9b/x'");
    EXPECT_EQ(odd.output.find('\x1b'), std::string::npos);
    EXPECT_EQ(odd.output.find('\x9b'), std::string::npos);
    EXPECT_TRUE(has(odd.output, "no section [files.\"\\u001b[2J\\u009b\"]")) << odd.output;
    write("none.toml", "[files.data]\npath = \"data\"\n");
    Background app({"run", SBM_FILES_APP, "--policy", file("none.toml"), "--", "deny-often",
                    "/data/a", "3000"},
                   file("log"));
    EXPECT_EQ(app.wait(), 0);
    EXPECT_TRUE(has(content(file("log")), "denied: more"));
    EXPECT_LT(content(file("log")).size(), 100'000U);
}

// ---- level none ----

TEST_F(AppCommands, AnAppWithoutWallsSaysSo)
{
    const Ended ended = sbm("run --level none " SBM_FILES_APP " -- exit 6");
    EXPECT_EQ(ended.status, 6);
    EXPECT_TRUE(has(ended.output, "sbm: WARNING: level `none` is no sandbox")) << ended.output;
    EXPECT_TRUE(has(ended.output, "gdb -p "));
    EXPECT_FALSE(has(sbm("run " SBM_FILES_APP " -- exit 6").output, "WARNING"));
    EXPECT_EQ(sbm("trace --level none " SBM_FILES_APP).status, 2);
    EXPECT_EQ(sbm("run --wait-for-debugger " SBM_FILES_APP " -- exit 0").status, 2);
}

TEST_F(AppCommands, ADebuggerSeesTheAppsFunctions)
{
    if (std::system("gdb --version > /dev/null 2>&1") != 0) // NOLINT
        GTEST_SKIP() << "gdb is not installed";
    Background app({"run", "--level", "none", "--wait-for-debugger", SBM_FILES_APP, "--", "crash"},
                   file("log"));
    std::string log;
    ASSERT_TRUE(await([&] {
        log = content(file("log"));
        return has(log, "waiting for the debugger\n");
    })) << log;
    const std::size_t start = log.find("gdb -p ");
    ASSERT_NE(start, std::string::npos) << log;
    const std::string line = log.substr(start, log.find('\n', start) - start);
    const std::string command = line +
                                " -batch -nx -ex 'break main' -ex continue -ex bt "
                                "-ex continue -ex bt -ex kill > " +
                                file("gdb") + " 2>&1 < /dev/null";
    EXPECT_EQ(std::system(("timeout 100 " + command).c_str()), 0); // NOLINT
    const std::string text = content(file("gdb"));
    if (has(text, "ptrace: Operation not permitted") || has(text, "Could not attach"))
        GTEST_SKIP() << "nobody may debug here: " << text;
    EXPECT_TRUE(has(text, "Breakpoint 1, main (count=2, ")) << text;
    EXPECT_TRUE(has(text, "in __sbm_thunk_main ()")) << text;
    EXPECT_TRUE(has(text, "received signal SIGSEGV")) << text;
    EXPECT_TRUE(has(text, "files_app.cpp:")) << text;
    EXPECT_EQ(app.wait(), 125);
}

} // namespace
