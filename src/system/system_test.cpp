// SPDX-License-Identifier: Apache-2.0
//
// Every call of the table, granted and refused, by frames as a cell would send them: with
// files in memory, and for the files with real ones too.
#include "system/system.hpp"

#include "os/files.hpp"
#include "system/test_app.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace cell::system {
namespace {

using namespace sbm::calls;

// An app that does what the test says.
class SystemTest : public testing::TestWithParam<bool>, protected TestApp {
protected:
    void SetUp() override
    {
        char folder[] = "/tmp/sbm-system-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    bool is_real() const { return GetParam(); }

    std::unique_ptr<Folder> make_folder(const char *name)
    {
        if (!is_real())
            return make_memory_folder();
        std::filesystem::create_directories(folder_ / name);
        return make_real_folder(os::open_folder(folder_ / name));
    }

    // `data` may be used for everything, `seen` only be read.
    void start(Services services = {})
    {
        services.roots.push_back({"data", make_folder("data"), true, true, true, true, 1 << 20, 5});
        services.roots.push_back({"seen", make_folder("seen"), true, false, false, false});
        services.arguments = {"app", "first argument"};
        services.random = [](std::span<std::byte> bytes) {
            std::fill(bytes.begin(), bytes.end(), std::byte{9});
            return true;
        };
        services.log = [this](int stream, std::string_view text) {
            log_ += std::to_string(stream) + ":" + std::string(text) + ";";
        };
        begin(std::move(services));
    }

    Status write(std::uint64_t file, std::uint64_t position, const std::string &text)
    {
        std::memcpy(bytes_ + 4096, text.data(), text.size());
        return call<FileWrite>({file, position, region_, 4096, text.size()});
    }
    std::string read(std::uint64_t file, std::uint64_t position, std::uint64_t size)
    {
        if (call<FileRead>({file, position, region_, 4096, size}) != Status::ok)
            return "failed";
        return {bytes_ + 4096, result()};
    }

    std::filesystem::path folder_;
    std::string log_;
};

constexpr std::uint64_t kReadAndWrite = 3;

std::string text_of(const Need &need)
{
    return std::string(need.call) + " " + need.argument + ": " + need.section.at(0) + "." +
           need.section.at(1) + " " + need.key + " = " + need.value +
           (need.granted ? "" : " (refused)");
}

TEST_P(SystemTest, TellsWhatACallTakesFromThePolicy)
{
    is_recording_ = true;
    start();
    ASSERT_EQ(on<FileCreate>("data/a"), Status::ok);
    const std::uint64_t file = result();
    EXPECT_EQ(write(file, 0, "text"), Status::ok);
    EXPECT_EQ(read(file, 0, 10), "text");
    EXPECT_EQ(on<FileOpen>("seen/a", {kReadAndWrite}), Status::denied);
    EXPECT_EQ(on<FileRemove>("etc/\xff"), Status::denied);
    std::vector<std::string> texts;
    for (const Need &need : needs_)
        texts.push_back(text_of(need));
    EXPECT_EQ(texts, (std::vector<std::string>{
                         "file.create data/a: files.data create = true",
                         "file.random_read data: files.data read = true",
                         "file.open seen/a: files.seen read = true",
                         "file.open seen/a: files.seen write = true (refused)",
                         "file.remove etc/\xff: files.etc remove = true (refused)"}));
}

TEST_P(SystemTest, WhoeverMakesAFileReadsItIfTheRootAllowsThat)
{
    is_recording_ = true;
    Services services;
    services.roots.push_back({"drop", make_folder("drop"), false, false, true, false});
    start(std::move(services));
    ASSERT_EQ(on<FileCreate>("drop/a"), Status::ok);
    EXPECT_EQ(call<FileRead>({result(), 0, region_, 4096, 1}), Status::no_right);
    ASSERT_EQ(denials_.size(), 1U);
    EXPECT_EQ(denials_[0].would_allow, "[files.drop]\nread = true");
    EXPECT_FALSE(needs_.back().granted);
    ASSERT_EQ(on<FileCreate>("data/a"), Status::ok);
    EXPECT_EQ(call<FileRead>({result(), 0, region_, 4096, 1}), Status::ok);
    EXPECT_EQ(denials_.size(), 1U);
}

TEST_P(SystemTest, NamesRootsAsAPolicyCanSayThem)
{
    start();
    EXPECT_EQ(on<FileExists>("a b/c"), Status::denied);
    EXPECT_EQ(denials_.back().reason, "no section [files.\"a b\"]");
    EXPECT_EQ(denials_.back().would_allow, "[files.\"a b\"]\npath = \"/...\"\nread = true");
    EXPECT_EQ(on<FileExists>("\x1b[2J\xff/c"), Status::denied);
    EXPECT_EQ(denials_.back().reason, "no section [files.?]");
    EXPECT_EQ(denials_.back().argument, "\"\\x1b[2J\\xff/c\"");
    EXPECT_EQ(denials_.back().bytes, "\x1b[2J\xff/c");
}

TEST_P(SystemTest, TracesCallsInTheirParts)
{
    is_recording_ = true;
    start();
    traced_.clear();
    EXPECT_EQ(on<FileOpen>("data/\n", {1}), Status::not_found);
    EXPECT_EQ(call<FileExists>({region_ + 1, 0, 5}), Status::wrong_region);
    ASSERT_EQ(on<FileCreate>("data/a"), Status::ok);
    EXPECT_EQ(write(result(), 0, std::string(300, 'x')), Status::ok);
    ASSERT_EQ(traced_.size(), 4U);
    EXPECT_STREQ(traced_[0].call, "file.open");
    ASSERT_EQ(traced_[0].parameters.size(), 2U);
    EXPECT_STREQ(traced_[0].parameters[0].name, "path");
    EXPECT_EQ(traced_[0].parameters[0].text, "\"data/\\x0a\"");
    EXPECT_EQ(traced_[0].parameters[1].text, "1");
    EXPECT_TRUE(traced_[0].parameters[1].is_number);
    EXPECT_EQ(traced_[0].status, Status::not_found);
    EXPECT_TRUE(traced_[0].results.empty());
    EXPECT_EQ(traced_[1].parameters[0].text, "\"\"... 5 bytes") << "nothing was taken";
    EXPECT_EQ(traced_[2].results.size(), 1U);
    EXPECT_EQ(traced_[3].parameters[2].text, "\"" + std::string(256, 'x') + "\"... 300 bytes");
    EXPECT_GE(traced_[3].began, traced_[2].began + traced_[2].took);
}

TEST_P(SystemTest, FilesAreMadeWrittenReadAndRemoved)
{
    start();
    EXPECT_EQ(on<FileExists>("data/a"), Status::not_found);
    EXPECT_EQ(on<FileOpen>("data/a", {kReadAndWrite}), Status::not_found);
    ASSERT_EQ(on<FileCreate>("data/a"), Status::ok);
    const std::uint64_t file = result();
    EXPECT_EQ(on<FileCreate>("data/a"), Status::exists);
    EXPECT_EQ(write(file, 0, "hello world"), Status::ok);
    EXPECT_EQ(result(), 11U);
    EXPECT_EQ(read(file, 6, 100), "world");
    EXPECT_EQ(read(file, 11, 5), "");
    EXPECT_EQ(call<FileSize>({file}), Status::ok);
    EXPECT_EQ(result(), 11U);
    EXPECT_EQ(call<FileTruncate>({file, 5}), Status::ok);
    EXPECT_EQ(read(file, 0, 100), "hello");
    EXPECT_EQ(call<FileSync>({file}), Status::ok);
    EXPECT_EQ(call<HandleClose>({file}), Status::ok);
    EXPECT_EQ(call<FileSize>({file}), Status::wrong_handle);
    ASSERT_EQ(on<FileOpen>("data/a", {1}), Status::ok);
    EXPECT_NE(result(), file) << "numbers are not given again";
    EXPECT_EQ(read(result(), 0, 100), "hello");
    EXPECT_EQ(on<FileExists>("data/a"), Status::ok);
    EXPECT_EQ(on<FileRemove>("data/a"), Status::ok);
    EXPECT_EQ(on<FileRemove>("data/a"), Status::not_found);
    EXPECT_TRUE(denials_.empty());
}

TEST_P(SystemTest, FoldersAreListed)
{
    start();
    for (const char *name : {"data/b", "data/a", "data/c"})
        ASSERT_EQ(on<FileCreate>(name), Status::ok);
    EXPECT_EQ(on<FileList>("data", {0, region_, 4096, 100}), Status::ok);
    EXPECT_EQ(result(), 3U);
    EXPECT_EQ(std::string(bytes_ + 4096, 6), std::string("a\0b\0c\0", 6));
    EXPECT_EQ(on<FileList>("data", {1, region_, 4096, 3}), Status::ok);
    EXPECT_EQ(result(), 1U) << "as many as fit";
    EXPECT_EQ(on<FileList>("data", {~std::uint64_t{0}, region_, 4096, 100}), Status::ok);
    EXPECT_EQ(result(), 0U);
    EXPECT_EQ(on<FileList>("data/a", {0, region_, 4096, 3}), Status::invalid);
}

// Beside each refusal its twin that is allowed, above.
TEST_P(SystemTest, WhatThePolicyDoesNotSayIsDenied)
{
    start();
    EXPECT_EQ(on<FileExists>("other/a"), Status::denied);
    EXPECT_EQ(on<FileOpen>("other/a", {1}), Status::denied);
    EXPECT_EQ(on<FileCreate>("seen/a"), Status::denied);
    EXPECT_EQ(on<FileOpen>("seen/a", {2}), Status::denied);
    EXPECT_EQ(on<FileRemove>("seen/a"), Status::denied);
    EXPECT_EQ(on<FileList>("other", {0, region_, 0, 10}), Status::denied);
    ASSERT_EQ(denials_.size(), 6U);
    EXPECT_EQ(denials_[0].reason, "no section [files.other]");
    EXPECT_EQ(denials_[2].call, "file.create");
    EXPECT_EQ(denials_[2].argument, "\"seen/a\"");
    EXPECT_EQ(denials_[2].reason, "[files.seen] does not say create");
    EXPECT_EQ(denials_[2].would_allow, "[files.seen]\ncreate = true");
    EXPECT_EQ(on<FileOpen>("seen/a", {1}), Status::not_found) << "that is allowed";
}

TEST_P(SystemTest, PathsStayBeneathTheirRoot)
{
    start();
    using namespace std::string_literals;
    for (const std::string &path :
         {""s, "/"s, "/data/a"s, "data/"s, "data//a"s, "data/./a"s, "data/.."s, "data/../data/a"s,
          "../data/a"s, ".."s, "data/a/"s, "data/\0a"s, "data/a\0"s, std::string(4096, 'a'),
          "data/" + std::string(256, 'a')})
        EXPECT_EQ(on<FileCreate>(path), Status::invalid) << path;
    EXPECT_EQ(on<FileCreate>("data/a..b"), Status::ok) << "the twin";
}

TEST_P(SystemTest, LinksAndDevicesAreNotThere)
{
    if (!is_real())
        GTEST_SKIP() << "there are none in memory";
    start();
    std::ofstream(folder_ / "secret") << "outside";
    std::filesystem::create_symlink("../secret", folder_ / "data/link");
    std::filesystem::create_symlink(folder_ / "secret", folder_ / "data/absolute");
    std::filesystem::create_directory_symlink("..", folder_ / "data/up");
    std::filesystem::create_directory(folder_ / "data/folder");
    ASSERT_EQ(::mkfifo((folder_ / "data/pipe").c_str(), 0600), 0);
    for (const char *path :
         {"data/link", "data/absolute", "data/up/secret", "data/pipe", "data/none/a"}) {
        EXPECT_EQ(on<FileExists>(path), Status::not_found) << path;
        EXPECT_EQ(on<FileOpen>(path, {kReadAndWrite}), Status::not_found) << path;
        EXPECT_EQ(on<FileRemove>(path), Status::not_found) << path;
    }
    EXPECT_NE(on<FileCreate>("data/link"), Status::ok);
    EXPECT_NE(on<FileCreate>("data/up/new"), Status::ok);
    EXPECT_EQ(on<FileOpen>("data/folder", {1}), Status::invalid);
    EXPECT_EQ(on<FileRemove>("data/folder"), Status::invalid);
    EXPECT_EQ(on<FileList>("data", {0, region_, 4096, 100}), Status::ok);
    EXPECT_EQ(std::string(bytes_ + 4096), "folder/");
    EXPECT_EQ(result(), 1U);
    EXPECT_TRUE(std::filesystem::exists(folder_ / "secret"));
}

TEST_P(SystemTest, QuotasHold)
{
    Services services;
    services.handles = 6;
    start(std::move(services));
    ASSERT_EQ(on<FileCreate>("data/0"), Status::ok);
    const std::uint64_t file = result();
    EXPECT_EQ(write(file, (1 << 20) - 4, "full"), Status::ok);
    EXPECT_EQ(write(file, 1 << 20, "x"), Status::quota);
    EXPECT_EQ(call<FileTruncate>({file, (1 << 20) + 1}), Status::quota);
    EXPECT_EQ(write(file, 0, "what is there may be written again"), Status::ok);
    for (int i = 1; i < 5; i++)
        ASSERT_EQ(on<FileCreate>("data/" + std::to_string(i)), Status::ok);
    EXPECT_EQ(on<FileCreate>("data/5"), Status::quota) << "files";
    ASSERT_EQ(on<FileOpen>("data/0", {1}), Status::ok);
    EXPECT_EQ(on<FileOpen>("data/0", {1}), Status::quota) << "handles";
    EXPECT_EQ(call<HandleClose>({file}), Status::ok);
    EXPECT_EQ(on<FileOpen>("data/0", {1}), Status::ok);
}

TEST_P(SystemTest, PositionsAreChecked)
{
    start();
    ASSERT_EQ(on<FileCreate>("data/a"), Status::ok);
    const std::uint64_t file = result();
    for (const std::uint64_t position : {std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        EXPECT_EQ(write(file, position, "x"), Status::invalid);
        EXPECT_EQ(call<FileRead>({file, position, region_, 0, 1}), Status::invalid);
        EXPECT_EQ(call<FileTruncate>({file, position}), Status::invalid);
    }
    const std::uint64_t last = (std::uint64_t{1} << 63) - 2;
    EXPECT_EQ(write(file, last + 1, "x"), Status::invalid) << "the end would be 2^63";
    EXPECT_EQ(write(file, last, "x"), Status::quota);
    EXPECT_EQ(read(file, last, 1), "");
}

TEST_P(SystemTest, HandlesHaveRights)
{
    start();
    ASSERT_EQ(on<FileCreate>("data/a"), Status::ok);
    ASSERT_EQ(on<FileOpen>("data/a", {1}), Status::ok);
    const std::uint64_t readable = result();
    ASSERT_EQ(on<FileOpen>("data/a", {2}), Status::ok);
    const std::uint64_t writable = result();
    EXPECT_EQ(write(readable, 0, "x"), Status::no_right);
    EXPECT_EQ(call<FileTruncate>({readable, 0}), Status::no_right);
    EXPECT_EQ(call<FileRead>({writable, 0, region_, 0, 1}), Status::no_right);
    EXPECT_EQ(write(writable, 0, "x"), Status::ok);
    EXPECT_EQ(read(readable, 0, 1), "x");
    for (const std::uint64_t handle : {std::uint64_t{0}, writable + 1, ~std::uint64_t{0}}) {
        EXPECT_EQ(call<FileSize>({handle}), Status::wrong_handle);
        EXPECT_EQ(call<HandleClose>({handle}), Status::wrong_handle);
    }
    EXPECT_EQ(on<FileOpen>("data/a", {0}), Status::invalid);
    EXPECT_EQ(on<FileOpen>("data/a", {4}), Status::invalid);
}

TEST_P(SystemTest, RegionsAreTyped)
{
    start();
    EXPECT_EQ(call<SelfRandom>({region_, 10, 5}), Status::ok);
    EXPECT_EQ(std::string(bytes_ + 9, 7), std::string("\0\x9\x9\x9\x9\x9\0", 7));
    ASSERT_EQ(call<MemoryAcquire>({static_cast<std::uint64_t>(Element::u32), 10}), Status::ok);
    const std::uint64_t words = result();
    EXPECT_EQ(call<SelfRandom>({words, 0, 5}), Status::wrong_region) << "other elements";
    EXPECT_EQ(call<SelfRandom>({words + 1, 0, 5}), Status::wrong_region) << "no region";
    const std::uint64_t end = 1 << 16;
    EXPECT_EQ(call<SelfRandom>({region_, end - 5, 5}), Status::ok);
    EXPECT_EQ(call<SelfRandom>({region_, end, 0}), Status::ok);
    EXPECT_EQ(call<SelfRandom>({region_, end - 4, 5}), Status::out_of_range);
    EXPECT_EQ(call<SelfRandom>({region_, end + 1, 0}), Status::out_of_range);
    EXPECT_EQ(call<SelfRandom>({region_, ~std::uint64_t{0}, 2}), Status::out_of_range);
    EXPECT_EQ(call<SelfRandom>({region_, 1, ~std::uint64_t{0}}), Status::out_of_range);
    EXPECT_EQ(call<MemoryRelease>({words}), Status::ok);
    EXPECT_EQ(call<MemoryRelease>({words}), Status::wrong_region) << "it is gone";
}

TEST_P(SystemTest, RegionsAreBounded)
{
    Services services;
    services.region_bytes = 1 << 17;
    start(std::move(services));
    EXPECT_EQ(call<MemoryAcquire>({1, (1 << 16) + 1}), Status::quota);
    EXPECT_EQ(call<MemoryAcquire>({4, ~std::uint64_t{0} / 8 + 2}), Status::quota) << "wraps";
    EXPECT_EQ(call<MemoryAcquire>({1, 1 << 16}), Status::ok);
    const std::uint64_t second = result();
    EXPECT_EQ(call<MemoryAcquire>({1, 1}), Status::quota);
    EXPECT_EQ(call<MemoryRelease>({second}), Status::ok);
    EXPECT_EQ(call<MemoryAcquire>({1, 1}), Status::ok);
    EXPECT_GT(result(), second);
    EXPECT_EQ(call<MemoryAcquire>({0, 1}), Status::invalid);
    EXPECT_EQ(call<MemoryAcquire>({7, 1}), Status::invalid);
    EXPECT_EQ(call<MemoryAcquire>({std::uint64_t{1} << 32 | 1, 1}), Status::invalid);
    EXPECT_EQ(call<MemoryAcquire>({1, 0}), Status::invalid);
}

TEST_P(SystemTest, LongRangesAreInvalid)
{
    start();
    ASSERT_EQ(call<MemoryAcquire>({1, 2 << 20}), Status::ok);
    const std::uint64_t large = result();
    EXPECT_EQ(call<SelfRandom>({large, 0, 1 << 20}), Status::ok);
    EXPECT_EQ(call<SelfRandom>({large, 0, (1 << 20) + 1}), Status::invalid);
}

TEST_P(SystemTest, Self)
{
    start();
    EXPECT_EQ(call<TimeNow>({0}), Status::ok);
    EXPECT_EQ(result(), 1000U);
    EXPECT_EQ(call<TimeNow>({1}), Status::ok);
    EXPECT_EQ(result(), 7U);
    EXPECT_EQ(call<TimeNow>({2}), Status::invalid);
    EXPECT_EQ(call<SelfArgument>({1, region_, 0, 5}), Status::ok);
    EXPECT_EQ(result(), 14U);
    EXPECT_EQ(std::string(bytes_, 6), std::string("first\0", 6));
    EXPECT_EQ(call<SelfArgument>({2, region_, 0, 5}), Status::not_found);
    std::memcpy(bytes_, "text", 4);
    EXPECT_EQ(call<SelfLog>({2, region_, 0, 4}), Status::ok);
    EXPECT_EQ(call<SelfLog>({3, region_, 0, 4}), Status::invalid);
    EXPECT_EQ(log_, "2:text;");
    EXPECT_FALSE(system_->exit_status());
    EXPECT_EQ(call<SelfExit>({3}), Status::ok);
    EXPECT_FALSE(goes_on_);
    EXPECT_EQ(system_->exit_status(), 3);
}

// Numbers that are in no table, and frames of random words: refused, and nothing else.
TEST_P(SystemTest, RandomFrames)
{
    start();
    std::mt19937_64 random(1);
    const std::uint64_t likely[] = {0, 1, 2, 3, 5, 4096, 1 << 16, 1 << 20, ~std::uint64_t{0}};
    for (int i = 0; i < 200'000; i++) {
        frame_ = {};
        frame_.number = static_cast<std::uint16_t>(
            i % 4 == 0 ? random()
                       : (random() % 4 == 3 ? 0x0800 : (1 + random() % 5) << 8) | (random() % 14));
        if (frame_.number == SelfExit::number)
            continue;
        for (std::uint64_t &word : frame_.words)
            word = random() % 3 ? likely[random() % std::size(likely)] : random();
        system_->answer(frame_);
        ASSERT_GE(frame_.status, 0);
        ASSERT_LT(frame_.status, kStatuses);
    }
    EXPECT_LE(system_->open_handles(), 64U);
}

// While a second thread flips the path between one that is allowed and one that is not, every
// answer is that to one of the two, and what is opened is never what is not allowed.
TEST_P(SystemTest, BytesAreReadOnce)
{
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "the race is meant";
#endif
    start();
    ASSERT_EQ(on<FileCreate>("data/a"), Status::ok);
    std::atomic<bool> stop{false};
    std::memcpy(bytes_, "data/a", 6);
    std::thread flipper([&] {
        auto *first = reinterpret_cast<volatile char *>(bytes_);
        while (!stop) {
            first[0] = 's'; // "sata/a"
            first[0] = 'd';
        }
    });
    constexpr int kTries = 1'000'000;
    int opened = 0, denied = 0;
    for (int i = 0; i < kTries; i++) {
        const Status status = call<FileExists>({region_, 0, 6});
        opened += status == Status::ok;
        denied += status == Status::denied;
    }
    stop = true;
    flipper.join();
    EXPECT_EQ(opened + denied, kTries) << "a mixture of both was taken";
    for (const Denial &denial : denials_)
        ASSERT_EQ(denial.argument, "\"sata/a\"");
}

INSTANTIATE_TEST_SUITE_P(, SystemTest, testing::Bool(),
                         [](const auto &kind) { return kind.param ? "real" : "memory"; });

} // namespace
} // namespace cell::system
