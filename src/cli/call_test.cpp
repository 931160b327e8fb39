// SPDX-License-Identifier: Apache-2.0
#include "run_program.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#ifdef SBM_WITH_MODULES
#include <png.h>
#endif

namespace {

using cli_test::Ended;
using cli_test::parsed;
using cli_test::run;

// A folder for the files of one test.
class CallCommand : public testing::Test {
protected:
    void SetUp() override
    {
        char name[] = "/tmp/sbm-call-test-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        folder_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string &name) const { return folder_ + "/" + name; }
    std::string write(const std::string &name, const std::string &content) const
    {
        std::ofstream(file(name), std::ios::binary) << content;
        return file(name);
    }
    std::string read(const std::string &name) const
    {
        std::ifstream stream(file(name), std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(stream), {});
    }
    bool exists(const std::string &name) const { return std::filesystem::exists(file(name)); }

    // Calls a function of the sample; standard error goes to a file.
    Ended call(const std::string &arguments) const
    {
        return run("call " CALL_MODULE " " + arguments + " 2>" + file("errors"));
    }
    std::string errors() const { return read("errors"); }

private:
    std::string folder_;
};

TEST_F(CallCommand, PrintsWhatIsReturned)
{
    EXPECT_EQ(call("negate --arg 5").output, "-5\n");
    EXPECT_EQ(call("negate --arg -5").output, "5\n");
    EXPECT_EQ(call("negate --arg 0x10").output, "-16\n");
    EXPECT_EQ(call("half --arg 5").output, "2.5\n");
    EXPECT_EQ(call("invert --arg true").output, "false\n");
    EXPECT_EQ(call("repeat --arg 0x0123456789abcdef").output,
              "hex:efcdab8967452301efcdab8967452301efcdab8967452301efcdab8967452301\n");
    EXPECT_EQ(call("add_one --inout " + write("nothing", "")).output, "");
}

TEST_F(CallCommand, PassesEveryKindOfValue)
{
    const Ended shown = call("show --arg A --arg true --arg -8 --arg -300 --arg 4000000000 "
                             "--arg -5000000000 --arg 1.5 --arg 200 --arg -2.25 --arg 1e300 "
                             "--arg hex:0700000000000000000000000000e03f --out " +
                             file("text") + ":100");
    EXPECT_EQ(shown.status, 0) << errors();
    EXPECT_EQ(read("text").c_str(),
              std::string("65 1 -8 -300 4000000000 -5000000000 1.5 200 -2.25 1e+300 7/0.5"));
    EXPECT_EQ(read("text").size(), 100U);
}

TEST_F(CallCommand, CopiesFilesInAndOut)
{
    const std::string in = write("in", "aaaabbbbcccc");
    const Ended copied = call("copy --in " + in + " --out " + file("out"));
    EXPECT_EQ(copied.status, 0) << errors();
    // The structure without a file is shown.
    EXPECT_EQ(copied.output, "3\n3 out<sample::Point>: hex:0300000000000000000000000000e03f\n");
    EXPECT_EQ(read("out"), "aaaabbbbcccc");
    EXPECT_EQ(errors(), "copied 3\n");
    // A number without a size is one number.
    EXPECT_EQ(call("number --out " + file("number")).status, 0) << errors();
    EXPECT_EQ(read("number"), std::string("*\0\0\0", 4));
    EXPECT_EQ(call("copy --in " + in + " --out " + file("part") + ":8").status, 0);
    EXPECT_EQ(read("part"), "aaaabbbb");
    EXPECT_EQ(call("copy --in " + in + " --out " + file("both") + " --out " + file("point")).status,
              0);
    EXPECT_EQ(read("point").size(), 16U);
    EXPECT_EQ(call("turn --in - --out - < " + in).output, "ccccbbbbaaaa");
}

TEST_F(CallCommand, WritesBackWhatGoesBothWays)
{
    EXPECT_EQ(call("add_one --inout " + write("bytes", "HAL")).status, 0) << errors();
    EXPECT_EQ(read("bytes"), "IBM");
}

TEST_F(CallCommand, BuffersAreAsAlignedAsTheirTypes)
{
    const std::string in = write("in", std::string(128, 'x'));
    EXPECT_EQ(call("misaligned --in " + in + " --out " + file("out") + ":192").output, "0\n")
        << errors();
}

TEST_F(CallCommand, WhatIsWrongWithTheCommandIsTwo)
{
    const std::string in = write("in", "12345");
    struct Mistake {
        std::string arguments, words;
    };
    for (const auto &[arguments, words] : {
             Mistake{"no_such", "exports no function `no_such`; it has "},
             {"negate", "parameter 1, i32, needs --arg VALUE"},
             {"negate --arg 1 --arg 2", "nothing takes 2"},
             {"negate --arg one", "one is no i32"},
             {"negate --arg 2147483648", "2147483648 is no i32"},
             {"negate --arg ''", " is no i32"},
             {"half --arg 1,5", "1,5 is no f64"},
             {"invert --arg maybe", "maybe is no bool"},
             {"repeat --arg -1", "-1 is no u64"},
             {"repeat --arg hex:00", "hex:00 is no u64"},
             {"turn --out x", "parameter 1, in<byte>, needs --in FILE"},
             {"turn --in " + in, "parameter 2, out<byte>, needs --out FILE"},
             {"copy --in " + in + " --out x", "which is no number of u32"},
             {"unsized --out x", "parameter 1, out<byte>, needs --out FILE:SIZE"},
         }) {
        EXPECT_EQ(call(arguments).status, 2) << arguments;
        EXPECT_NE(errors().find(words), std::string::npos) << arguments << ": " << errors();
    }
    EXPECT_EQ(call("negate --arg 1 --level none").status, 2);
    EXPECT_EQ(call("").status, 2);
}

TEST_F(CallCommand, FilesThatAreNotThereAreTrouble)
{
    EXPECT_EQ(call("turn --in /nonexistent --out x").status, 3);
    EXPECT_NE(errors().find("/nonexistent cannot be read"), std::string::npos);
    EXPECT_EQ(call("turn --in / --out x").status, 3);
    EXPECT_EQ(call("turn --in " + write("in", "x") + " --out /nonexistent/out").status, 3);
    EXPECT_EQ(run("call /nonexistent/module f 2>/dev/null").status, 3);
    EXPECT_EQ(run("call " SBM_PROGRAM " f 2>/dev/null").status, 1); // no module
}

TEST_F(CallCommand, AnAbortedCallIsOneWithItsReport)
{
    for (const char *level : {"process", "strongest"}) {
        EXPECT_EQ(call(std::string("crash --level ") + level).status, 1);
        for (const char *words : {"about to crash\n", "write to 0x10", "in crash()", "#0 "})
            EXPECT_NE(errors().find(words), std::string::npos) << words << ": " << errors();
    }
    const nlohmann::json report = parsed(call("crash --json"));
    EXPECT_EQ(report["fault"]["kind"], "memory");
    EXPECT_EQ(report["fault"]["address"], 0x10);
    EXPECT_EQ(report["log"], "about to crash\n");
    EXPECT_FALSE(report.contains("returned"));
}

TEST_F(CallCommand, NothingIsWrittenOfAnAbortedCall)
{
    EXPECT_EQ(call("liar --out " + file("out")).status, 1);
    EXPECT_NE(errors().find("`liar_size` gives 1099511627776 bytes"), std::string::npos);
    EXPECT_FALSE(exists("out"));
}

TEST_F(CallCommand, KeepsTimeAndMemory)
{
    EXPECT_EQ(call("loop --time 0.1").status, 1);
    EXPECT_NE(errors().find("used up its"), std::string::npos) << errors();
    EXPECT_EQ(call("take_memory --memory 8 --arg 16000000").output, "0\n");
    EXPECT_EQ(call("take_memory --memory 32 --arg 16000000").output, "16000000\n");
}

TEST_F(CallCommand, PrintsJson)
{
    const std::string in = write("in", "aaaabbbb");
    const nlohmann::json report =
        parsed(call("copy --json --level process --in " + in + " --out " + file("out")));
    EXPECT_EQ(report["returned"], 2);
    EXPECT_EQ(report["level"], "process");
    EXPECT_EQ(report["signature"], "u64(in<u32>, out<u32>, out<sample::Point{16,8}>)");
    ASSERT_EQ(report["outputs"].size(), 2U);
    EXPECT_EQ(report["outputs"][0]["file"], file("out"));
    EXPECT_EQ(report["outputs"][0]["size"], 8);
    EXPECT_EQ(report["outputs"][1]["parameter"], 3);
    EXPECT_TRUE(parsed(call("add_one --json --inout " + in))["returned"].is_null());
    EXPECT_NE(parsed(call("negate --json"))["problem"].get<std::string>().find("--arg"),
              std::string::npos);
}

TEST_F(CallCommand, CallsFunctionsOfC)
{
    const std::string text = write("text", "banana");
    EXPECT_EQ(
        run("call " SAMPLE_C_MODULE " count_letter --in " + text + " --arg size --arg 97").output,
        "3\n");
    EXPECT_EQ(run("call " SAMPLE_C_MODULE " fill --out " + file("out") + ":5 --arg size").output,
              "0\n");
    EXPECT_EQ(read("out"), "fffff");
    EXPECT_EQ(run("call " SAMPLE_C_MODULE " fill --inout " + text + " --arg 2").output, "0\n");
    EXPECT_EQ(read("text"), "ffnana");
    EXPECT_EQ(run("call " SAMPLE_C_MODULE " answer").output, "42\n");
}

#ifdef SBM_WITH_MODULES
TEST_F(CallCommand, DecodesAPicture)
{
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.format = PNG_FORMAT_RGBA;
    image.width = image.height = 3;
    std::string pixels;
    for (int i = 0; i < 36; i++)
        pixels += static_cast<char>(i % 4 == 3 ? 255 : 7 * i);
    ASSERT_TRUE(
        png_image_write_to_file(&image, file("in.png").c_str(), 0, pixels.data(), 0, nullptr));
    const Ended decoded = run("call png decode --in " + file("in.png") + " --out " + file("out"));
    EXPECT_EQ(decoded.status, 0);
    EXPECT_EQ(decoded.output, "0\n");
    EXPECT_EQ(read("out"), pixels);
    EXPECT_EQ(run("call png decode --in " + write("bad", "no picture") + " --out " + file("none") +
                  " 2>/dev/null")
                  .status,
              1);
    const Ended refused = run("call png decode --in " + file("bad") + " --out " + file("x") + ":4");
    EXPECT_EQ(refused.status, 0) << "it returned";
    EXPECT_NE(refused.output.find("Not a PNG file"), std::string::npos) << refused.output;
}
#endif

} // namespace
