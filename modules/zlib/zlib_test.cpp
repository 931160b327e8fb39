// SPDX-License-Identifier: Apache-2.0
//
// Files of the system in every format and level, whole and damaged, at once and piece by
// piece: bytes and refusals are those of the same library outside of a cell.
#include "conformance/at_level.hpp"
#include "modules/stream/testing.hpp"
#include "modules/zlib/here.hpp"

namespace {

using namespace sbm::zlib::test;
using sbm::modules::append;
using sbm::modules::Bytes;
using sbm::modules::damaged;
using sbm::modules::feed;
using sbm::modules::read_file;
using sbm::modules::some_text;
using sbm::zlib::Deflater;
using sbm::zlib::Format;
using sbm::zlib::Inflater;

constexpr const char *kDocuments = "/usr/share/doc";

std::vector<std::filesystem::path> documents(std::size_t count)
{
    auto files = sbm::modules::find_files(kDocuments, ".gz", count);
    EXPECT_EQ(files.size(), count) << "are there no documents?";
    return files;
}

class Zlib : public conformance::AtLevel {
protected:
    static sbm::modules::Limits limits()
    {
        sbm::modules::Limits limits;
        limits.level = static_cast<sbm::Level>(level());
        limits.memory = std::size_t{1} << 20;
        return limits;
    }
    static Inflater inflater(Format format = Format::either) { return inflater(format, limits()); }
    static Inflater inflater(Format format, const sbm::modules::Limits &limits)
    {
        auto made = Inflater::create(format, limits);
        EXPECT_TRUE(made) << made.error().text();
        return std::move(*made);
    }
    static Deflater deflater(int level, Format format)
    {
        auto made = Deflater::create(level, format, limits());
        EXPECT_TRUE(made) << made.error().text();
        return std::move(*made);
    }

    // Whole and in pieces.
    static void expect_same(Inflater &inflater, const Bytes &input, Format format,
                            const std::string &name)
    {
        const auto here = inflate_here(input, format);
        const auto there = inflater.whole(input);
        ASSERT_EQ(here.has_value(), there.has_value())
            << name << ": " << (there ? "accepted" : there.error().text());
        const auto pieces = feed(inflater, input, static_cast<unsigned>(input.size()));
        ASSERT_EQ(here.has_value(), pieces.has_value()) << name;
        if (here) {
            EXPECT_TRUE(*here == *there) << name;
            EXPECT_TRUE(*here == *pieces) << name;
        } else {
            EXPECT_EQ(there.error().code(), sbm::Errc::misuse) << there.error().text();
            EXPECT_STREQ(there.error().text(), pieces.error().text());
        }
    }

    static void expect_refused(const sbm::Result<Bytes> &result, const char *text,
                               sbm::Errc code = sbm::Errc::misuse)
    {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code(), code);
        EXPECT_STREQ(result.error().text(), text);
    }
};

TEST_P(Zlib, RealFilesAreTheSame)
{
    Inflater either = inflater();
    for (const auto &file : documents(300))
        expect_same(either, read_file(file), Format::either, file);
}

TEST_P(Zlib, DamagedFilesAreTheSame)
{
    Inflater either = inflater();
    unsigned seed = 0;
    for (const auto &file : documents(40))
        for (int i = 0; i < 10; i++)
            expect_same(either, damaged(read_file(file), seed++), Format::either, file);
    // Without a check sum, damage often goes unnoticed.
    for (const Format format : {Format::zlib, Format::raw}) {
        Inflater one = inflater(format);
        const Bytes packed = deflate_here(some_text(20000, 3), 6, format);
        for (int i = 0; i < 200; i++)
            expect_same(one, damaged(packed, seed++), format, "text");
    }
}

TEST_P(Zlib, EveryFormatAndLevelIsTheSame)
{
    std::vector<Bytes> texts{some_text(std::size_t{2} << 20, 6)};
    for (const auto &file : documents(12))
        texts.push_back(*inflate_here(read_file(file), Format::gzip));
    for (const Format format : kFormats) {
        Inflater unpack = inflater(format);
        for (const int level : {0, 1, 6, 9}) {
            Deflater pack = deflater(level, format);
            for (const Bytes &text : texts) {
                const auto packed = pack.whole(text);
                ASSERT_TRUE(packed) << packed.error().text();
                EXPECT_TRUE(*packed == deflate_here(text, level, format)) << level;
                const auto pieces = feed(pack, text, 7);
                ASSERT_TRUE(pieces) << pieces.error().text();
                // Only what is stored as it is shows how it was handed over.
                EXPECT_TRUE(level == 0 || *pieces == *packed) << level;
                const auto unpacked = unpack.whole(level == 0 ? *pieces : *packed);
                ASSERT_TRUE(unpacked) << unpacked.error().text();
                EXPECT_TRUE(*unpacked == text) << level;
            }
        }
    }
}

TEST_P(Zlib, BuffersNeedNotBeCopied)
{
    Inflater unpack = inflater();
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{300'000}, (std::size_t{16} << 20) + 3}) {
        const Bytes text = some_text(size, 11);
        expect_in_buffers(unpack, deflate_here(text, 1, Format::gzip), text);
        Deflater pack = deflater(1, Format::zlib);
        expect_in_buffers(pack, text, deflate_here(text, 1, Format::zlib));
    }
    unsigned seed = 0;
    for (const auto &file : documents(30)) {
        const Bytes bytes = damaged(read_file(file), seed++);
        const auto here = inflate_here(bytes, Format::either);
        const auto there = whole_in_buffers(unpack, bytes, std::size_t{4} << 20);
        ASSERT_EQ(here.has_value(), there.has_value()) << file;
        EXPECT_TRUE(!here || *here == *there) << file;
    }
}

TEST_P(Zlib, FormatsAreToldApart)
{
    const Bytes text = sbm::modules::bytes_of("in one of three formats");
    for (const Format written : kFormats)
        for (const Format read : {Format::either, Format::zlib, Format::gzip, Format::raw}) {
            const bool fits = read == written || (read == Format::either && written != Format::raw);
            const auto result = inflater(read).whole(deflate_here(text, 6, written));
            EXPECT_EQ(result.has_value(), fits);
            EXPECT_TRUE(!result || *result == text);
        }
}

TEST_P(Zlib, GzipMembersFollowEachOther)
{
    const Bytes text = some_text(3000, 4);
    const Bytes member = deflate_here(text, 6, Format::gzip);
    Bytes twice = member, text_twice = text;
    append(twice, member);
    append(text_twice, text);
    for (const Format format : {Format::either, Format::gzip}) {
        Inflater gzip = inflater(format);
        expect_same(gzip, twice, format, "twice");
        const auto both = gzip.whole(twice);
        ASSERT_TRUE(both) << both.error().text();
        EXPECT_TRUE(*both == text_twice);
    }
}

TEST_P(Zlib, WhatFollowsTheEndIsRefused)
{
    for (const Format format : kFormats) {
        Inflater one = inflater(format);
        Bytes packed = deflate_here(some_text(3000, 4), 6, format);
        append(packed, Bytes(10, std::byte{'x'}));
        const char *text =
            format == Format::gzip ? "incorrect header check" : "bytes follow the end of the data";
        expect_refused(one.whole(packed), text);
        expect_refused(feed(one, packed, 3), text);
    }
}

TEST_P(Zlib, WhatEndsTooEarlyIsRefused)
{
    Inflater either = inflater();
    Bytes packed = deflate_here(some_text(3000, 4), 6, Format::zlib);
    packed.pop_back();
    ASSERT_TRUE(either.write(packed));
    expect_refused(either.finish(), "the data ends too early");
    expect_refused(either.whole(packed), "the data ends too early");
    expect_refused(either.whole({}), "the data ends too early");
    expect_refused(either.finish(), "the data ends too early");
}

TEST_P(Zlib, NothingIsDeflatedToo)
{
    for (const Format format : kFormats) {
        Deflater pack = deflater(6, format);
        const auto packed = pack.finish();
        ASSERT_TRUE(packed) << packed.error().text();
        EXPECT_TRUE(*packed == deflate_here({}, 6, format));
        const auto unpacked = inflater(format).whole(*packed);
        ASSERT_TRUE(unpacked) << unpacked.error().text();
        EXPECT_TRUE(unpacked->empty());
    }
}

TEST_P(Zlib, AnErrorStaysUntilTheStreamIsFinished)
{
    Inflater either = inflater();
    const Bytes good = deflate_here(some_text(3000, 4), 6, Format::zlib);
    const Bytes bad(100, std::byte{1});
    expect_refused(either.write(bad), "incorrect header check");
    expect_refused(either.write(good), "incorrect header check");
    expect_refused(either.write({}), "incorrect header check");
    expect_refused(either.finish(), "incorrect header check");
    EXPECT_TRUE(either.write(good));
    EXPECT_TRUE(either.finish());
    expect_refused(either.write(bad), "incorrect header check");
    EXPECT_TRUE(either.whole(good));
}

TEST_P(Zlib, AWholeStreamGivesUpTheOneBefore)
{
    Inflater either = inflater();
    const Bytes good = deflate_here(some_text(3000, 4), 6, Format::zlib);
    ASSERT_TRUE(either.write(std::span(good).first(20)));
    const auto unpacked = either.whole(good);
    ASSERT_TRUE(unpacked) << unpacked.error().text();
    EXPECT_EQ(unpacked->size(), 3000U);
}

TEST_P(Zlib, MoreOutputThanAllowedIsRefused)
{
    const std::size_t size = std::size_t{5} << 20;
    const Bytes packed = deflate_here(Bytes(size), 9, Format::gzip);
    EXPECT_LT(packed.size(), 10000U);
    sbm::modules::Limits small = limits();
    small.output_bytes = size;
    EXPECT_TRUE(inflater(Format::gzip, small).whole(packed));
    small.output_bytes = size - 1;
    Inflater one = inflater(Format::gzip, small);
    for (int i = 0; i < 2; i++) {
        expect_refused(one.whole(packed), "the stream gives more bytes than the limits allow",
                       sbm::Errc::no_memory);
        expect_refused(feed(one, packed, 3), "the stream gives more bytes than the limits allow",
                       sbm::Errc::no_memory);
    }
}

TEST_P(Zlib, ALongStreamFitsIntoASmallCell)
{
    Deflater pack = deflater(1, Format::gzip);
    Inflater unpack = inflater();
    const std::size_t packed = expect_round_trip(pack, unpack, 100);
    EXPECT_GT(packed, std::size_t{20} << 20);
}

TEST_P(Zlib, WrongOptionsAreMisuse)
{
    EXPECT_EQ(Deflater::create(10, Format::zlib, limits()).error().code(), sbm::Errc::misuse);
    EXPECT_EQ(Deflater::create(-1, Format::zlib, limits()).error().code(), sbm::Errc::misuse);
    EXPECT_EQ(Deflater::create(6, Format::either, limits()).error().code(), sbm::Errc::misuse);
    EXPECT_EQ(Inflater::create(static_cast<Format>(9), limits()).error().code(), sbm::Errc::misuse);
}

INSTANTIATE_TEST_SUITE_P(Level, Zlib, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

TEST(ZlibShort, OneLineInflatesAndDeflates)
{
    const Bytes text = some_text(100000, 5);
    for (const Format format : kFormats) {
        const auto packed = sbm::zlib::deflate(text, 6, format);
        ASSERT_TRUE(packed) << packed.error().text();
        const auto unpacked = sbm::zlib::inflate(*packed, format);
        ASSERT_TRUE(unpacked) << unpacked.error().text();
        EXPECT_TRUE(*unpacked == text);
    }
    EXPECT_EQ(sbm::zlib::deflate(text, 10).error().code(), sbm::Errc::misuse);
    EXPECT_FALSE(sbm::zlib::inflate(text));
}

} // namespace
