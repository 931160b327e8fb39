// SPDX-License-Identifier: Apache-2.0
//
// `sbm run` as a user sees it.
#include "run_program.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

using cli_test::Ended;
using cli_test::run;

class RunCommand : public testing::Test {
protected:
    void SetUp() override
    {
        char folder[] = "/tmp/sbm-run-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        std::filesystem::create_directory(folder_ / "data");
        write("app.toml", "[files.data]\npath = \"data\"\nread = true\ncreate = true\n");
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void write(const char *name, const char *text) { std::ofstream(folder_ / name) << text; }
    Ended run_app(const std::string &arguments, const char *policy = "app.toml")
    {
        return run("run " SBM_FILES_APP " --policy " + (folder_ / policy).string() + " -- " +
                   arguments + " 2>&1");
    }
    std::filesystem::path folder_;
};

bool has(const Ended &ended, const char *words)
{
    return ended.output.find(words) != std::string::npos;
}

TEST_F(RunCommand, GivesStatusAndOutput)
{
    EXPECT_EQ(run_app("exit 42").status, 42);
    const Ended arguments = run_app("arguments one 'two words'");
    EXPECT_EQ(arguments.status, 0);
    EXPECT_EQ(arguments.output, "1 arguments\n2 one\n3 two words\n");
}

TEST_F(RunCommand, FoldersBeginWhereThePolicyIs)
{
    EXPECT_EQ(run_app("append data/new text").status, 0);
    std::ifstream file(folder_ / "data/new");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "text");
}

TEST_F(RunCommand, TellsWhatIsDeniedAndWhatWouldAllowIt)
{
    const Ended denied = run_app("size /etc/passwd");
    EXPECT_EQ(denied.status, EACCES);
    EXPECT_TRUE(has(denied, "sbm: denied: file.list \"etc/passwd\": no section [files.etc]; this "
                            "would allow it:\n      [files.etc]\n      path = \"/...\"\n      read "
                            "= true\n"))
        << denied.output;
    EXPECT_EQ(run("run " SBM_FILES_APP " -- list /data 2>/dev/null").status, EACCES)
        << "without a policy nothing is allowed";
}

TEST_F(RunCommand, Traces)
{
    const Ended traced = run("run --trace " SBM_FILES_APP " -- exit 3 2>&1");
    EXPECT_EQ(traced.status, 3);
    EXPECT_TRUE(has(traced, "sbm: self.argument(index 1, "));
    EXPECT_TRUE(has(traced, "sbm: self.exit(status 3) = ok\n")) << traced.output;
}

TEST_F(RunCommand, RecordsAndReplays)
{
    write("data/file", "text");
    const std::string log = (folder_ / "run.log").string();
    const Ended recorded = run("run " SBM_FILES_APP " --policy " + (folder_ / "app.toml").string() +
                               " --record " + log + " -- size /data/file 2>&1");
    EXPECT_EQ(recorded.status, 0) << recorded.output;
    std::filesystem::remove(folder_ / "data/file");
    const Ended played = run("replay " + log + " 2>&1");
    EXPECT_EQ(played.status, 0);
    EXPECT_EQ(played.output, "4\n");
    const Ended same = run("run --replay " + log + " 2>&1");
    EXPECT_EQ(same.status, 0);
    EXPECT_EQ(same.output, "4\n");
    EXPECT_EQ(run("run " SBM_FILES_APP " --replay " + log + " 2>&1").status, 2);
    const Ended traced = run("replay --trace " + log + " 2>&1");
    EXPECT_TRUE(has(traced, "file.open")) << traced.output;
    EXPECT_EQ(run("replay " + (folder_ / "app.toml").string() + " 2>&1").status, 125);
}

TEST_F(RunCommand, WhatIsNotRunIsToldWithAStatusOfItsOwn)
{
    write("bad.toml", "[files.data]\npth = \"data\"\n");
    const Ended bad = run_app("exit 0", "bad.toml");
    EXPECT_EQ(bad.status, 125);
    EXPECT_TRUE(has(bad, "bad.toml:2:1: [files.data] has no key pth")) << bad.output;
    EXPECT_EQ(run_app("exit 0", "none.toml").status, 125);
    EXPECT_EQ(run("run /bin/true 2>&1").status, 125);
    const Ended crashed = run_app("crash");
    EXPECT_EQ(crashed.status, 125);
    EXPECT_TRUE(has(crashed, "the app was ended: write to 0")) << crashed.output;
    const Ended nothing = run("run 2>&1");
    EXPECT_EQ(nothing.status, 2);
    EXPECT_TRUE(has(nothing, "app is required")) << nothing.output;
}

TEST_F(RunCommand, ExplainSaysWhatIsGranted)
{
    const Ended text = run("explain " + (folder_ / "app.toml").string());
    EXPECT_EQ(text.status, 0);
    EXPECT_TRUE(has(text, "files        data/… in ")) << text.output;
    EXPECT_TRUE(has(text, ": read create; may grow by any number of bytes"));
    const auto json = cli_test::parsed(run("explain --json " + (folder_ / "app.toml").string()));
    ASSERT_TRUE(json.is_object());
    EXPECT_EQ(json["files"][0]["rights"], (nlohmann::json{"read", "create"}));
    EXPECT_EQ(json["cpu_time_ns"], nullptr);
    write("bad.toml", "[net]\n");
    EXPECT_EQ(run("explain " + (folder_ / "bad.toml").string() + " 2>/dev/null").status, 1);
}

} // namespace
