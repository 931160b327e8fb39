// SPDX-License-Identifier: Apache-2.0
//
// Files of the system at several levels, whole and damaged, at once and piece by piece:
// bytes and refusals are those of the same library outside of a cell.
#include "conformance/at_level.hpp"
#include "modules/stream/testing.hpp"
#include "modules/zstd/here.hpp"

namespace {

using namespace sbm::zstd::test;
using sbm::modules::append;
using sbm::modules::Bytes;
using sbm::modules::damaged;
using sbm::modules::feed;
using sbm::modules::read_file;
using sbm::modules::some_text;
using sbm::zstd::Compressor;
using sbm::zstd::Decompressor;

constexpr const char *kSources = "/usr/include";

std::vector<std::filesystem::path> sources(std::size_t count)
{
    auto files = sbm::modules::find_files(kSources, ".h", count);
    EXPECT_EQ(files.size(), count) << "are there no headers?";
    return files;
}

class Zstd : public conformance::AtLevel {
protected:
    static sbm::modules::Limits limits()
    {
        sbm::modules::Limits limits;
        limits.level = static_cast<sbm::Level>(level());
        limits.memory = std::size_t{16} << 20;
        return limits;
    }
    static Decompressor decompressor() { return decompressor(limits()); }
    static Decompressor decompressor(const sbm::modules::Limits &limits)
    {
        auto made = Decompressor::create(limits);
        EXPECT_TRUE(made) << made.error().text();
        return std::move(*made);
    }
    static Compressor compressor(int level) { return compressor(level, limits()); }
    static Compressor compressor(int level, const sbm::modules::Limits &limits)
    {
        auto made = Compressor::create(level, limits);
        EXPECT_TRUE(made) << made.error().text();
        return std::move(*made);
    }

    // Whole and in pieces.
    void expect_same(Decompressor &decompressor, const Bytes &input, const std::string &name)
    {
        const auto here = decompress_here(input);
        const auto there = decompressor.whole(input);
        // Damage may ask for more memory, which there is here.
        if (!there && there.error().code() == sbm::Errc::no_memory) {
            too_large_++;
            return;
        }
        ASSERT_EQ(here.has_value(), there.has_value())
            << name << ": " << (there ? "accepted" : there.error().text());
        const auto pieces = feed(decompressor, input, static_cast<unsigned>(input.size()));
        ASSERT_EQ(here.has_value(), pieces.has_value()) << name;
        EXPECT_TRUE(!here || *here == *there) << name;
        EXPECT_TRUE(!here || *here == *pieces) << name;
    }

    static void expect_refused(const sbm::Result<Bytes> &result, const char *text,
                               sbm::Errc code = sbm::Errc::misuse)
    {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code(), code);
        EXPECT_STREQ(result.error().text(), text);
    }

    int too_large_ = 0;
};

TEST_P(Zstd, WhatIsCompressedHereIsTheSameThere)
{
    Decompressor unpack = decompressor();
    for (const int level : {-5, 1, 3, 12, 19}) {
        CompressorHere pack(level);
        for (const auto &file : sources(60)) {
            const Bytes text = read_file(file);
            expect_same(unpack, pack.whole(text), file);
            const auto stream = feed(pack, text, 2);
            ASSERT_TRUE(stream);
            const auto unpacked = unpack.whole(*stream);
            ASSERT_TRUE(unpacked) << unpacked.error().text();
            EXPECT_TRUE(*unpacked == text) << file;
        }
    }
    EXPECT_EQ(too_large_, 0);
}

TEST_P(Zstd, WhatIsCompressedThereIsTheSameHere)
{
    const Bytes long_text = some_text(std::size_t{3} << 20, 8);
    for (const int level : {-5, 1, 3, 7}) {
        Compressor pack = compressor(level);
        CompressorHere pack_here(level);
        const auto expect = [&](const Bytes &text) {
            const auto packed = pack.whole(text);
            ASSERT_TRUE(packed) << packed.error().text();
            EXPECT_TRUE(*packed == pack_here.whole(text)) << level;
            const auto pieces = feed(pack, text, 9);
            ASSERT_TRUE(pieces) << pieces.error().text();
            EXPECT_TRUE(*pieces == *feed(pack_here, text, 9)) << level;
        };
        for (const auto &file : sources(20))
            expect(read_file(file));
        expect(long_text);
        expect({});
    }
}

TEST_P(Zstd, BuffersNeedNotBeCopied)
{
    Decompressor unpack = decompressor();
    Compressor pack = compressor(3);
    CompressorHere pack_here(3);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{3} << 20}) {
        const Bytes text = some_text(size, 12), packed = pack_here.whole(text);
        expect_in_buffers(unpack, packed, text);
        expect_in_buffers(pack, text, packed);
    }
}

TEST_P(Zstd, DamagedFilesAreTheSame)
{
    Decompressor unpack = decompressor();
    unsigned seed = 0;
    for (const int level : {1, 3, 12}) {
        CompressorHere pack(level);
        pack.set(ZSTD_c_checksumFlag, level == 3);
        for (const auto &file : sources(20)) {
            const Bytes packed = pack.whole(read_file(file));
            for (int i = 0; i < 10; i++)
                expect_same(unpack, damaged(packed, seed++), file);
        }
    }
    EXPECT_LT(too_large_, 30) << "of " << seed;
}

TEST_P(Zstd, FramesFollowEachOther)
{
    const Bytes text = some_text(3000, 4);
    const Bytes skipped{std::byte{0x50}, std::byte{0x2a}, std::byte{0x4d}, std::byte{0x18},
                        std::byte{2},    std::byte{0},    std::byte{0},    std::byte{0},
                        std::byte{'n'},  std::byte{'o'}};
    const Bytes frame = CompressorHere(3).whole(text);
    Bytes packed = frame, twice = text;
    append(packed, skipped);
    append(packed, frame);
    append(twice, text);
    Decompressor unpack = decompressor();
    expect_same(unpack, packed, "two frames");
    EXPECT_EQ(too_large_, 0);
    const auto unpacked = unpack.whole(packed);
    ASSERT_TRUE(unpacked) << unpacked.error().text();
    EXPECT_TRUE(*unpacked == twice);
    packed.insert(packed.end(), 10, std::byte{'x'});
    expect_refused(unpack.whole(packed), "Unknown frame descriptor");
}

TEST_P(Zstd, WhatEndsTooEarlyIsRefused)
{
    Decompressor unpack = decompressor();
    Bytes packed = CompressorHere(3).whole(some_text(3000, 4));
    packed.pop_back();
    ASSERT_TRUE(unpack.write(packed));
    expect_refused(unpack.finish(), "the data ends too early");
    expect_refused(unpack.whole(packed), "the data ends too early");
    expect_refused(unpack.whole({}), "the data ends too early");
    expect_refused(unpack.finish(), "the data ends too early");
}

TEST_P(Zstd, MoreOutputThanAllowedIsRefused)
{
    const std::size_t size = std::size_t{5} << 20;
    const Bytes packed = CompressorHere(3).whole(Bytes(size));
    EXPECT_LT(packed.size(), 10000U);
    sbm::modules::Limits small = limits();
    small.output_bytes = size;
    EXPECT_TRUE(decompressor(small).whole(packed));
    small.output_bytes = size - 1;
    Decompressor unpack = decompressor(small);
    for (int i = 0; i < 2; i++) {
        expect_refused(unpack.whole(packed), "the stream gives more bytes than the limits allow",
                       sbm::Errc::no_memory);
        expect_refused(feed(unpack, packed, 3), "the stream gives more bytes than the limits allow",
                       sbm::Errc::no_memory);
    }
}

TEST_P(Zstd, MoreMemoryThanTheCellHasIsRefused)
{
    Decompressor unpack = decompressor();
    for (const int window : {25, 27, 28}) {
        CompressorHere pack(1);
        pack.set(ZSTD_c_windowLog, window);
        const auto packed = feed(pack, some_text(3000, 4), 1);
        ASSERT_TRUE(packed);
        const auto refused = unpack.whole(*packed);
        ASSERT_FALSE(refused) << window;
        EXPECT_EQ(refused.error().code(), sbm::Errc::no_memory) << refused.error().text();
    }
    Compressor pack = compressor(19);
    EXPECT_TRUE(pack.whole(some_text(3000, 4)));
    const auto refused = pack.write(some_text(3000, 4));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), sbm::Errc::no_memory) << refused.error().text();
}

// What <sbm/modules/zstd.hpp> says about the usual cell.
TEST_P(Zstd, StreamsFitIntoTheUsualCellUpToAHighLevel)
{
    sbm::modules::Limits usual = limits();
    usual.memory = sbm::modules::Limits().memory;
    for (const int level : {8, 14, 16, 18})
        EXPECT_TRUE(compressor(level, usual).write(some_text(3000, 4))) << level;
    for (const int level : {15, 19, 22})
        EXPECT_FALSE(compressor(level, usual).write(some_text(3000, 4))) << level;
    usual.memory = std::size_t{12} << 20;
    EXPECT_TRUE(compressor(8, usual).write(some_text(3000, 4)));
}

TEST_P(Zstd, ALongStreamFitsIntoASmallCell)
{
    Compressor pack = compressor(1);
    Decompressor unpack = decompressor();
    const std::size_t packed = expect_round_trip(pack, unpack, 100);
    EXPECT_GT(packed, std::size_t{1} << 20);
}

INSTANTIATE_TEST_SUITE_P(Level, Zstd, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

TEST(ZstdShort, OneLineCompressesAndDecompresses)
{
    const Bytes text = some_text(1000000, 5);
    const auto packed = sbm::zstd::compress(text);
    ASSERT_TRUE(packed) << packed.error().text();
    const auto unpacked = sbm::zstd::decompress(*packed);
    ASSERT_TRUE(unpacked) << unpacked.error().text();
    EXPECT_TRUE(*unpacked == text);
    EXPECT_FALSE(sbm::zstd::decompress(text));
}

} // namespace
