// SPDX-License-Identifier: Apache-2.0
//
// An app that sends random frames for a while (attack_frames.cpp), at both strong levels: half
// of SBM_FRAMES_SECONDS each, or of a minute, and with hot calls a sixth. SBM_FRAMES_SEED repeats a
// run.
#include "attack_test.hpp"

#include <random>

namespace attacks {
namespace {

class Frames : public Attack {};

std::uint64_t number_from(const char *variable, std::uint64_t otherwise)
{
    const char *text = std::getenv(variable);
    return text ? std::stoull(text) : otherwise;
}

TEST_P(Frames, HarmNobody)
{
    const std::uint64_t seed = number_from("SBM_FRAMES_SEED", std::random_device()());
    const std::uint64_t seconds =
        number_from("SBM_FRAMES_SECONDS", 60) / (conformance::is_hot() ? 6 : 2);
    SCOPED_TRACE("SBM_FRAMES_SEED=" + std::to_string(seed));
    constexpr std::uint64_t kBytes = 1 << 20;
    policy_.files[0].bytes = kBytes;
    policy_.files[0].files = 50;
    policy_.log = 100'000;
    policy_.wall_time = std::chrono::seconds(seconds + 100);
    auto &network = policy_.network.emplace();
    network.servers = {"127.0.0.1:1"}; // where nobody answers
    network.connect = {"a.example:*", "b.example:*", "127.0.0.1:1"};
    network.listen = {"127.0.0.1:0", "udp:127.0.0.1:0"};
    network.connections = 500;
    fs::create_directory(folder_ / "data/sub");
    fs::create_directory_symlink("..", folder_ / "data/up");
    std::uint64_t lines = 0;
    options_.audit_bytes = 1 << 16;
    options_.audit = [&](std::string_view) { return ++lines != 0; };
    ASSERT_TRUE(run({"frames", std::to_string(seed) + ",10"})) << "what is kept from then on";
    const std::uint64_t before = memory_in_use();
    const auto ended = run({"frames", std::to_string(seed) + "," + std::to_string(seconds * 1000)});
    ASSERT_TRUE(ended) << ended.error().text() << output_[2];
    EXPECT_EQ(ended->status, 0) << output_[2];
    EXPECT_GT(ended->calls, seconds * 1000);
    EXPECT_GT(ended->denied, 0U);
    // The allocators of sanitizers keep what was freed.
    EXPECT_TRUE(conformance::kSanitized || memory_in_use() < before + (32 << 10))
        << memory_in_use() << " KiB, and before it were " << before;
    EXPECT_LE(output_[1].size() + output_[2].size(), policy_.log);
    EXPECT_LT(lines, 2000U);
    std::uint64_t bytes = 0, files = 0;
    for (const auto &entry : fs::recursive_directory_iterator(folder_ / "data"))
        if (entry.is_regular_file()) {
            bytes += entry.file_size();
            files++;
        }
    EXPECT_LE(bytes, 2 * kBytes) << "of both runs";
    EXPECT_LE(files, 100U);
    EXPECT_GT(ended->files.at(0).files_made, 0U) << "too few frames meant something";
    EXPECT_EQ(names(""), (std::set<std::string>{"data", "outside", "seen"}));
    RecordProperty("calls", std::to_string(ended->calls));
}

AT_STRONG_LEVELS_AND_HOT(Frames);

} // namespace
} // namespace attacks
