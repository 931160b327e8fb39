// SPDX-License-Identifier: Apache-2.0
#include "run_program.hpp"

#include <sbm/module_info.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace {

using cli_test::Ended;
using cli_test::parsed;
using cli_test::run;

nlohmann::json describe(const std::string &module)
{
    const Ended ended = run("module --json " + module);
    EXPECT_EQ(ended.status, 0) << ended.output;
    return parsed(ended);
}

std::string signature_of(const nlohmann::json &functions, const std::string &name)
{
    for (const auto &function : functions)
        if (function["name"] == name)
            return function["signature"];
    return "";
}

TEST(ModuleCommand, NamesExportsAndImportsWithSignatures)
{
    const nlohmann::json info = describe(SAMPLE_MODULE);
    EXPECT_EQ(signature_of(info["exports"], "count_calls"), "i32()");
    EXPECT_EQ(signature_of(info["exports"], "reverse"),
              "Pair{32,8}(in<byte>, out<byte>, inout<Pair{32,8}>, f64)");
    EXPECT_NE(signature_of(info["imports"], "add"), "");
    EXPECT_TRUE(info["position_independent"]);
    EXPECT_FALSE(describe(SAMPLE_MODULE_FIXED)["position_independent"]);
    EXPECT_EQ(signature_of(describe(SAMPLE_C_MODULE)["exports"], "fill"), "int(char *, size_t)");
}

TEST(ModuleCommand, AddsUpSegments)
{
    const nlohmann::json info = describe(SAMPLE_MODULE);
    std::uint64_t writable = 0, constant = 0;
    for (const auto &segment : info["segments"]) {
        const std::string rights = segment["rights"];
        EXPECT_TRUE(rights == "r--" || rights == "r-x" || rights == "rw-") << rights;
        (rights == "rw-" ? writable : constant) += segment["size"].get<std::uint64_t>();
    }
    const auto &memory = info["memory"];
    EXPECT_EQ(memory["variables"].get<std::uint64_t>() +
                  memory["constants_after_start"].get<std::uint64_t>(),
              writable);
    EXPECT_EQ(memory["constants"], constant);
    EXPECT_GT(info["file_size"], constant / 2);
}

// What the sample itself calls, and what every C library does.
TEST(ModuleCommand, FindsSystemCallsInTheCode)
{
    const nlohmann::json calls = describe(SAMPLE_MODULE)["system_calls"];
    for (const char *name : {"write", "mmap", "getrandom", "socket", "clone", "exit_group"})
        EXPECT_TRUE(std::any_of(calls["found"].begin(), calls["found"].end(),
                                [&](const auto &call) { return call["name"] == name; }))
            << name;
    for (const auto &call : calls["found"])
        EXPECT_NE(call["name"], "?") << call;
    EXPECT_NE(calls["remark"].get<std::string>().find("incomplete"), std::string::npos);
}

TEST(ModuleCommand, PrintsTheSameAsText)
{
    const Ended ended = run("module " SAMPLE_MODULE);
    EXPECT_EQ(ended.status, 0);
    for (const char *words : {"position-independent", "count_calls", "i32(u64)", "r-x", "variables",
                              "getrandom", "may be incomplete"})
        EXPECT_NE(ended.output.find(words), std::string::npos) << words << '\n' << ended.output;
}

TEST(ModuleCommand, WhatIsNoModuleIsOne)
{
    const Ended program = run("module --json " SBM_PROGRAM);
    EXPECT_EQ(program.status, 1);
    EXPECT_NE(parsed(program)["problem"].get<std::string>().find("no module"), std::string::npos);
    EXPECT_EQ(run("module /nonexistent/file 2>&1").status, 1);
    EXPECT_EQ(run("module 2>&1").status, 2);
}

#ifdef SBM_WITH_MODULES
TEST(ModuleCommand, KnowsTheLibrarysOwnByName)
{
    const nlohmann::json info = describe("png");
    EXPECT_NE(signature_of(info["exports"], "decode"), "");
    const Ended other = run("module --json no_such_module");
    EXPECT_EQ(other.status, 1);
}
#endif

TEST(ModuleCommand, LooksIntoTheFoldersOfItsPath)
{
    const std::string file = SAMPLE_MODULE;
    const std::string folder = file.substr(0, file.rfind('/'));
    ::setenv("SBM_MODULE_PATH", ("/nonexistent:" + folder).c_str(), 1);
    EXPECT_EQ(describe("sample_module")["file"], file);
    ::unsetenv("SBM_MODULE_PATH");
}

// The interface behind it, for what the program cannot show.
TEST(ModuleInfo, TellsWhatIsWrong)
{
    const auto none = sbm::ModuleInfo::of(std::span<const std::byte>());
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code(), sbm::Errc::misuse);
    EXPECT_FALSE(sbm::ModuleInfo::of("/nonexistent/file"));
}

} // namespace
