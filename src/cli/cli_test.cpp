// SPDX-License-Identifier: Apache-2.0
//
// Runs the program as a user does, and reads what it prints.
#include "run_program.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace {

using cli_test::Ended;
using cli_test::parsed;
using cli_test::run;

// Is the level there, as the program itself says?
bool has_level(const std::string &name)
{
    const nlohmann::json report = parsed(run("doctor --json"));
    if (!report.is_object())
        return false;
    for (const auto &level : report["levels"])
        if (level["level"] == name)
            return level["available"];
    return false;
}

TEST(Usage, HelpNamesTheCommands)
{
    const Ended help = run("--help");
    EXPECT_EQ(help.status, 0);
    for (const char *word : {"doctor", "verify", "module", "--version"})
        EXPECT_NE(help.output.find(word), std::string::npos) << word;
}

TEST(Usage, VersionIsThatOfTheLibrary)
{
    const Ended version = run("--version");
    EXPECT_EQ(version.status, 0);
    EXPECT_EQ(version.output.rfind("sbm ", 0), 0u) << version.output;
    EXPECT_EQ("sbm " + parsed(run("doctor --json"))["version"].get<std::string>() + "\n",
              version.output);
}

TEST(Usage, MistakesAreTwo)
{
    for (const char *arguments : {"--nonsense 2>&1", "verify --level strong 2>&1", "nonsense 2>&1",
                                  " 2>&1", "doctor --level vm 2>&1"})
        EXPECT_EQ(run(arguments).status, 2) << arguments;
}

TEST(Doctor, NamesEveryLevelWithAReasonForEachThatIsMissing)
{
    const Ended doctor = run("doctor --json");
    const nlohmann::json report = parsed(doctor);
    ASSERT_TRUE(report.is_object()) << doctor.output;
    ASSERT_EQ(report["levels"].size(), 4u);
    bool strong = false;
    for (const auto &level : report["levels"]) {
        EXPECT_EQ(level["available"].get<bool>(), level["reason"].get<std::string>().empty())
            << level;
        const bool is_strong = level["level"] == "process" || level["level"] == "vm";
        strong = strong || (is_strong && level["available"].get<bool>());
        EXPECT_EQ(!level["promises"].empty(), is_strong && level["available"].get<bool>()) << level;
        for (const auto &promise : level["promises"]) {
            EXPECT_FALSE(promise["reason"].get<std::string>().empty()) << promise;
            EXPECT_TRUE(promise["state"] == "kept" || promise["state"] == "not kept" ||
                        promise["state"] == "unknown")
                << promise;
        }
    }
    EXPECT_EQ(doctor.status, strong ? 0 : 1);
}

TEST(Doctor, PrintsNoColourWhereNobodyLooks)
{
    EXPECT_EQ(run("doctor").output.find('\033'), std::string::npos);
}

TEST(Verify, ProcessHolds)
{
    if (!has_level("process"))
        GTEST_SKIP() << "the level process is not available: see sbm doctor";
    const Ended verify = run("verify --level process --json");
    const nlohmann::json report = parsed(verify);
    ASSERT_TRUE(report.is_object()) << verify.output;
    EXPECT_EQ(verify.status, 0) << verify.output;
    EXPECT_TRUE(report["holds"]);
    ASSERT_EQ(report["questions"].size(), 7u);
    for (const auto &answer : report["questions"]) {
        EXPECT_TRUE(answer["holds"]) << answer;
        EXPECT_GT(answer["attempts"], 7) << answer;
    }
    // It is honest about the two calls that the cell's loop needs.
    const std::string remark = report["questions"][4]["remark"];
    for (const char *word : {"futex", "mprotect", "needed by the cell's own loop"})
        EXPECT_NE(remark.find(word), std::string::npos) << remark;
}

// A wall that is not there is not found: the same questions, the other answers.
TEST(Verify, LevelsWithoutAWallDoNotHold)
{
    for (const char *level : {"none", "weak"}) {
        const Ended verify = run(std::string("verify --json --level ") + level);
        const nlohmann::json report = parsed(verify);
        ASSERT_TRUE(report.is_object()) << verify.output;
        EXPECT_EQ(verify.status, 1) << level;
        EXPECT_FALSE(report["holds"]);
        const auto &questions = report["questions"];
        ASSERT_EQ(questions.size(), 7u);
        for (std::size_t i = 0; i < 6; i++)
            EXPECT_FALSE(questions[i]["holds"]) << questions[i];
        EXPECT_TRUE(questions[6]["holds"]) << "the host must go on: " << questions[6];
    }
}

#ifdef SBM_WITH_BENCH
TEST(Bench, QuickRunWritesItsFigures)
{
    char file[] = "/tmp/sbm-cli-test-XXXXXX";
    const int descriptor = ::mkstemp(file);
    ASSERT_GE(descriptor, 0);
    ::close(descriptor);
    const Ended bench = run(std::string("bench --quick --json ") + file);
    EXPECT_EQ(bench.status, 0) << bench.output;
    std::ifstream stream(file);
    const nlohmann::json report = nlohmann::json::parse(stream, nullptr, false);
    ::unlink(file);
    ASSERT_TRUE(report.is_object());
    EXPECT_FALSE(report["machine"]["kernel"].get<std::string>().empty());
    std::size_t measured = 0;
    for (const auto &figure : report["figures"]) {
        if (figure.contains("problem"))
            continue;
        measured++;
        if (figure.contains("bytes")) {
            EXPECT_GT(figure["bytes"], 0) << figure;
            continue;
        }
        EXPECT_GT(figure["median_ns"], 0) << figure;
        EXPECT_GE(figure["p99_ns"], figure["median_ns"]) << figure;
        if (figure.contains("floor")) {
            EXPECT_GT(figure["ratio"], 0) << figure;
        }
        if (figure.contains("aim")) {
            EXPECT_TRUE(figure["reached"].is_boolean()) << figure;
        }
    }
    EXPECT_GT(measured, 10u);
}

nlohmann::json figure(const char *level, const char *name, double time, double ratio)
{
    return {{"level", level},         {"figure", name},
            {"median_ns", time},      {"p99_ns", time},
            {"floor", "what it is"},  {"ratio", ratio},
            {"aim", "<= 1.5 x"},      {"aim_ratio", 1.5},
            {"reached", ratio < 1.5}, {"floor_median_ns", time / ratio}};
}

// A folder with the JSON of a run, and with the pictures of it.
class Plot : public testing::Test {
protected:
    Plot()
    {
        char name[] = "/tmp/sbm-cli-test-XXXXXX";
        folder_ = ::mkdtemp(name) ? name : "";
        const nlohmann::json report = {
            {"quick", false},
            {"machine",
             {{"processors", 2},
              {"processor", "somebody's"},
              {"virtual_machine", true},
              {"kernel", "Linux 6"},
              {"unix_time", 0}}},
            {"figures",
             {figure("process", "a 'call'", 100, 1.2),
              figure("vm", "a 'call'", 200, 1.7),
              figure("process", "PNG 16 x 16", 5000, 3),
              figure("process", "PNG 48 x 48", 9000, 2),
              {{"level", "vm"}, {"figure", "all"}, {"problem", "it is not there"}}}}};
        std::ofstream(folder_ / "report.json") << report;
    }
    ~Plot() override { std::filesystem::remove_all(folder_); }

    std::string arguments(const std::string &file) const
    {
        return "bench --from " + (folder_ / file).string() + " --plot " +
               (folder_ / "made/here").string() + " 2>&1";
    }
    std::string content(const std::string &file) const
    {
        std::ifstream stream(folder_ / "made/here" / file);
        return {std::istreambuf_iterator<char>(stream), {}};
    }

    std::filesystem::path folder_;
};

TEST_F(Plot, DrawsWhatAFileSays)
{
    const Ended plot = run(arguments("report.json"));
    if (plot.output.find("gnuplot-nox") != std::string::npos)
        GTEST_SKIP() << plot.output;
    EXPECT_EQ(plot.status, 0) << plot.output;
    for (const char *file : {"ratios.svg", "png.svg"}) {
        const std::string picture = content(file);
        EXPECT_NE(picture.find("</svg>"), std::string::npos) << file;
        EXPECT_NE(picture.find("1970-01-01"), std::string::npos) << file;
    }
    EXPECT_NE(content("ratios.svg").find("a 'call'"), std::string::npos);
}

TEST_F(Plot, SaysThatThereIsNoGnuplot)
{
    const Ended plot = run(arguments("report.json"), "PATH=/nonexistent");
    EXPECT_EQ(plot.status, 1);
    EXPECT_NE(plot.output.find("gnuplot-nox"), std::string::npos) << plot.output;
}

TEST_F(Plot, AFileWithoutFiguresIsAnError)
{
    std::ofstream(folder_ / "nonsense") << "nonsense";
    std::ofstream(folder_ / "empty") << R"({"figures": []})";
    for (const char *file : {"nonsense", "empty"})
        EXPECT_EQ(run(arguments(file)).status, 1) << file;
    EXPECT_EQ(run(arguments("missing")).status, 2);
}

TEST(Bench, AFileThatCannotBeWrittenIsAnError)
{
    EXPECT_EQ(run("bench --quick --level none --json /nonexistent/file 2>&1").status, 1);
}
#endif

} // namespace
