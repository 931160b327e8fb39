// SPDX-License-Identifier: Apache-2.0
//
// Archives of real files in every format, and real archives, whole and damaged: entries,
// contents and refusals are those of the same library outside of a cell.
#include "conformance/at_level.hpp"
#include "modules/archive/here.hpp"
#include "modules/archive/made.hpp"
#include "modules/archive/unpack.hpp"
#include "modules/files.hpp"
#include "modules/packed_cell.hpp"

#include <sbm/modules/archive.hpp>

#include <clocale>
#include <random>

namespace {

using sbm::archive::Entry;
using sbm::archive::Kind;
using sbm::archive::Reader;
using sbm::archive::test::bytes_of;
using sbm::archive::test::Format;
using sbm::archive::test::kFormats;
using sbm::archive::test::list_here;
using sbm::archive::test::make_archive;
using sbm::archive::test::name_of;
using sbm::archive::test::read_here;
using sbm::archive::test::ReaderHere;
using sbm::archive::test::Writer;
using sbm::modules::Bytes;

std::string shown(const Entry &entry)
{
    std::string line = std::to_string(static_cast<int>(entry.kind)) + " " + entry.path + " -> " +
                       entry.target + " mode " + std::to_string(entry.permissions);
    line += " size " + (entry.size ? std::to_string(*entry.size) : "none");
    if (entry.modified)
        line += " time " + std::to_string(entry.modified->seconds) + "." +
                std::to_string(entry.modified->nanoseconds);
    return line;
}

class Archive : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        ASSERT_TRUE(std::setlocale(LC_CTYPE, "C.UTF-8")) << "names here are UTF-8 too";
        auto reader = Reader::open(make_archive({"ustar", nullptr}, 1), limits());
        ASSERT_TRUE(reader) << reader.error().text();
        reader_.emplace(std::move(*reader));
    }
    static sbm::modules::Limits limits()
    {
        sbm::modules::Limits limits;
        limits.level = static_cast<sbm::Level>(level());
        return limits;
    }

    void expect_same(const Bytes &archive, const std::string &name)
    {
        ReaderHere first(archive);
        first.next();
        const auto opened = reader_->open_another(archive);
        ASSERT_EQ(first.good(), opened.has_value())
            << name << ": " << (opened ? "accepted" : opened.error().text());
        if (!opened)
            return expect_refused(opened.error(), name);
        const auto here = list_here(archive);
        const auto there = reader_->list();
        ASSERT_EQ(here.has_value(), there.has_value())
            << name << ": " << (there ? "accepted" : there.error().text());
        if (!there)
            expect_refused(there.error(), name);
        for (std::size_t i = 0; there && i < std::max(here->size(), there->size()); i++)
            ASSERT_EQ(shown(here->at(i)), shown(there->at(i))) << name;
        expect_same_contents(archive, there ? there->size() : 3, name);
        expect_same_visits(archive, name);
    }

    std::optional<Reader> reader_;

private:
    static void expect_refused(const sbm::Error &error, const std::string &name)
    {
        EXPECT_EQ(error.code(), sbm::Errc::misuse) << name << ": " << error.text();
        EXPECT_STRNE(error.text(), "") << name;
    }

    void expect_same_contents(const Bytes &archive, std::uint64_t count, const std::string &name)
    {
        for (std::uint64_t i = 0; i < count; i++) {
            const auto here = read_here(archive, i);
            const auto there = reader_->read(i);
            ASSERT_EQ(here.has_value(), there.has_value())
                << name << " " << i << ": " << (there ? "accepted" : there.error().text());
            EXPECT_TRUE(!there || *here == *there) << name << " entry " << i;
        }
    }

    void expect_same_visits(const Bytes &archive, const std::string &name)
    {
        ReaderHere here(archive);
        bool good = true;
        const auto all = reader_->extract_all([&](const Entry &entry, auto content) {
            EXPECT_TRUE(here.next()) << name;
            EXPECT_EQ(shown(here.entry()), shown(entry)) << name;
            const auto expected = here.content();
            good = expected &&
                   std::equal(content.begin(), content.end(), expected->begin(), expected->end());
            EXPECT_TRUE(good) << name << " " << entry.path;
            return good;
        });
        // The cell ends where the library does, or at content that cannot be read.
        const bool is_more = good && here.next();
        EXPECT_FALSE(is_more && here.content()) << name << (all ? "" : all.error().text());
        EXPECT_EQ(here.good() && !is_more, all.has_value())
            << name << (all ? "" : all.error().text());
    }
};

TEST_P(Archive, EveryFormatIsTheSame)
{
    for (const Format &format : kFormats) {
        const Bytes archive = make_archive(format, 20);
        const auto entries = list_here(archive);
        ASSERT_TRUE(entries) << name_of(format);
        EXPECT_GE(entries->size(), 20U) << name_of(format);
        expect_same(archive, name_of(format));
    }
}

TEST_P(Archive, RealArchivesAreTheSame)
{
    std::size_t count = 0;
    for (const auto &[folder, ending] : {std::pair{"/usr/lib/x86_64-linux-gnu", ".a"},
                                         {"/usr/share", ".jar"},
                                         {"/usr/share", ".zip"},
                                         {"/usr/share", ".whl"},
                                         {"/usr/share", ".tar.gz"},
                                         {"/usr/share", ".tar.xz"},
                                         {"/var/cache/apt/archives", ".deb"}})
        for (const auto &file : sbm::modules::find_files(folder, ending, 8))
            if (std::filesystem::file_size(file) < 200'000) {
                expect_same(sbm::modules::read_file(file), file);
                count++;
            }
    EXPECT_GE(count, 3U);
}

TEST_P(Archive, DamagedArchivesAreTheSame)
{
    for (const Format &format : kFormats) {
        const Bytes archive = make_archive(format, 4);
        for (unsigned seed = 0; seed < 25; seed++)
            expect_same(sbm::modules::damaged(archive, seed),
                        name_of(format) + " seed " + std::to_string(seed));
    }
}

TEST_P(Archive, EntriesAreAsTheyWereWritten)
{
    const Bytes content = bytes_of("content");
    const Entry made[] = {
        {Kind::file, "../up", {}, 7, {{1'700'000'000, 123'456'789}}, 0640},
        {Kind::directory, "folder/", {}, 0, {{-5, 0}}, 01777},
        {Kind::symbolic_link, "\u65e5\u672c", "/etc/passwd", 0, {{3, 0}}, 0777},
        {Kind::hard_link, "again", "../up", 0, {{4, 0}}, 0640},
    };
    Writer writer({"pax", "gzip"});
    for (const Entry &entry : made)
        writer.add(entry, entry.kind == Kind::file ? content : Bytes());
    ASSERT_TRUE(reader_->open_another(writer.finish()));
    const auto entries = reader_->list();
    ASSERT_TRUE(entries) << entries.error().text();
    ASSERT_EQ(entries->size(), std::size(made));
    for (std::size_t i = 0; i < std::size(made); i++)
        EXPECT_EQ(shown(entries->at(i)), shown(made[i]));
    // In any order, and again.
    for (const std::uint64_t index : {2, 0, 0, 3, 0}) {
        const auto read = reader_->read(index);
        ASSERT_TRUE(read) << read.error().text();
        EXPECT_EQ(*read, index == 0 ? content : Bytes());
    }
    EXPECT_EQ(reader_->read(4).error().code(), sbm::Errc::misuse);
}

TEST_P(Archive, NamesThatAreNoUtf8AreTheSame)
{
    for (const Format &format : kFormats) {
        Writer writer(format);
        writer.add({Kind::file,
                    "Gr\xfc\xdf"
                    "e",
                    {},
                    {},
                    {{1, 0}},
                    0644},
                   bytes_of("text"));
        writer.add({Kind::file, "good", {}, {}, {{1, 0}}, 0644}, bytes_of("text"));
        expect_same(writer.finish(), name_of(format));
    }
    Writer writer({"ustar", nullptr});
    writer.add({Kind::file,
                "Gr\xfc\xdf"
                "e",
                {},
                {},
                {{1, 0}},
                0644});
    ASSERT_TRUE(reader_->open_another(writer.finish()));
    EXPECT_EQ(reader_->list()->at(0).path, "Gr\xfc\xdf"
                                           "e");
}

TEST_P(Archive, WhatIsNoArchiveIsRefusedInWords)
{
    const auto refused = Reader::open(bytes_of("what is no archive"), limits());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), sbm::Errc::misuse);
    EXPECT_STREQ(refused.error().text(), "Unrecognized archive format");
    expect_same({}, "nothing");
    ASSERT_FALSE(reader_->open_another(bytes_of("neither")));
    EXPECT_EQ(reader_->list().error().code(), sbm::Errc::misuse);
    EXPECT_EQ(reader_->read(0).error().code(), sbm::Errc::misuse);
}

// Formats that would name files elsewhere, or take any bytes.
TEST_P(Archive, OtherFormatsAreRefused)
{
    EXPECT_FALSE(reader_->open_another(bytes_of("#mtree\n./x type=file contents=/etc/passwd\n")));
    EXPECT_FALSE(reader_->open_another(Bytes(1000)).has_value() && !reader_->list()->empty());
}

// A tar header with another size in octal or, above that, in binary.
Bytes with_claimed_size(std::string_view field)
{
    Writer writer({"ustar", nullptr});
    writer.add({Kind::file, "huge", {}, {}, {{1, 0}}, 0644}, bytes_of("little"));
    Bytes archive = writer.finish();
    const Bytes size = bytes_of(field);
    std::copy(size.begin(), size.end(), archive.begin() + 124);
    std::fill_n(archive.begin() + 148, 8, std::byte{' '});
    unsigned sum = 0;
    for (std::size_t i = 0; i < 512; i++)
        sum += std::to_integer<unsigned>(archive[i]);
    char text[8];
    std::snprintf(text, sizeof text, "%06o", sum);
    std::memcpy(archive.data() + 148, text, 7);
    return archive;
}

TEST_P(Archive, HugeSizesThatAreClaimedAreNotAllocated)
{
    using namespace std::string_view_literals;
    for (const auto field : {"77777777777\0"sv, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"sv}) {
        const Bytes archive = with_claimed_size(field);
        expect_same(archive, "huge");
        const auto refused = reader_->read(0);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code(), sbm::Errc::misuse) << refused.error().text();
    }
}

TEST_P(Archive, BombsEndAtTheLimit)
{
    const Bytes zeros(std::size_t{32} << 20);
    for (const Format &format :
         {Format{"zip", nullptr}, Format{"ustar", "xz"}, Format{"7zip", nullptr}}) {
        Writer writer(format);
        writer.add({Kind::file, "zeros", {}, {}, {{1, 0}}, 0644}, zeros);
        writer.add({Kind::file, "little", {}, {}, {{1, 0}}, 0644}, bytes_of("text"));
        const Bytes bomb = writer.finish();
        ASSERT_LT(bomb.size(), std::size_t{1} << 16);
        sbm::modules::Limits small = limits();
        small.output_bytes = std::uint64_t{8} << 20;
        auto reader = Reader::open(bomb, small);
        ASSERT_TRUE(reader) << reader.error().text();
        EXPECT_EQ(reader->read(0).error().code(), sbm::Errc::no_memory) << name_of(format);
        const auto all = reader->extract_all([](const Entry &, auto) { return true; });
        ASSERT_FALSE(all);
        EXPECT_EQ(all.error().code(), sbm::Errc::no_memory) << name_of(format);
        // Nothing is wrong with the others.
        const auto little = reader->read(1);
        ASSERT_TRUE(little) << little.error().text();
        EXPECT_EQ(*little, bytes_of("text"));
    }
}

TEST_P(Archive, MoreEntriesThanAllowedAreRefused)
{
    const Bytes archive = make_archive({"ustar", nullptr}, 50);
    for (const std::uint64_t allowed : {1000, 4000}) {
        sbm::modules::Limits small = limits();
        small.output_bytes = allowed;
        auto reader = Reader::open(archive, small);
        ASSERT_TRUE(reader) << reader.error().text();
        const auto refused = reader->list();
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code(), sbm::Errc::no_memory);
    }
}

TEST_P(Archive, AnArchiveOrItsUnpackingMayBeLargerThanTheCell)
{
    sbm::modules::Limits small = limits();
    small.memory = std::size_t{8} << 20;
    const auto refused = Reader::open(Bytes(std::size_t{16} << 20), small);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), sbm::Errc::no_memory) << refused.error().text();
    // Unpacked it passes through the cell in parts.
    Bytes large(std::size_t{24} << 20, std::byte{'x'});
    Writer writer({"ustar", "gzip"});
    writer.add({Kind::file, "large", {}, {}, {{1, 0}}, 0644}, large);
    auto reader = Reader::open(writer.finish(), small);
    ASSERT_TRUE(reader) << reader.error().text();
    const auto read = reader->read(0);
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_TRUE(*read == large);
}

// More than one call brings in.
TEST_P(Archive, LargeArchivesComeInParts)
{
    std::mt19937 random(1);
    Bytes noise(std::size_t{10} << 20);
    for (std::byte &byte : noise)
        byte = static_cast<std::byte>(random());
    Writer writer({"pax", nullptr});
    writer.add({Kind::file, "noise", {}, {}, {{1, 0}}, 0644}, noise);
    writer.add({Kind::file, "last", {}, {}, {{1, 0}}, 0644}, bytes_of("text"));
    expect_same(writer.finish(), "noise");
}

TEST_P(Archive, AVisitorMayStopOrThrow)
{
    ASSERT_TRUE(reader_->open_another(make_archive({"zip", nullptr}, 5)));
    int count = 0;
    EXPECT_TRUE(reader_->extract_all([&](const Entry &, auto) { return ++count < 3; }));
    EXPECT_EQ(count, 3);
    EXPECT_THROW(static_cast<void>(reader_->extract_all(
                     [](const Entry &, auto) -> bool { throw std::runtime_error("enough"); })),
                 std::runtime_error);
    EXPECT_TRUE(reader_->list());
}

INSTANTIATE_TEST_SUITE_P(Level, Archive, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

Bytes bytes_of(const sbm::modules::Packer &packer)
{
    Bytes bytes(packer.size().bytes);
    EXPECT_EQ(packer.take(0, {bytes.data(), bytes.size()}), 0);
    return bytes;
}

// A cell that has been taken over gives any bytes.
TEST(ArchiveUnpack, NoByteOfACellIsBelieved)
{
    sbm::modules::Packer packer;
    for (std::uint32_t i = 0; i < 3; i++) {
        packer.begin_item();
        packer.byte(static_cast<std::uint8_t>(i));
        packer.number(0644 + i);
        packer.byte(i % 2 != 0);
        if (i % 2 != 0)
            packer.number(std::uint64_t{1} << 40);
        packer.byte(i % 2 != 0);
        if (i % 2 != 0) {
            packer.number(static_cast<std::uint64_t>(-1));
            packer.number(std::uint32_t{999'999'999});
        }
        packer.text("a path");
        packer.text(i == 2 ? "a target" : "");
    }
    const Bytes good = bytes_of(packer);
    const auto entries = sbm::archive::unpack(good, 3, 10'000);
    ASSERT_TRUE(entries) << entries.error().text();
    EXPECT_EQ(shown(entries->at(1)), "1 a path ->  mode 421 size 1099511627776 time -1.999999999");
    for (std::size_t size = 0; size < good.size(); size++)
        EXPECT_FALSE(sbm::archive::unpack(std::span(good).first(size), 3, 10'000)) << size;
    for (const std::uint64_t count : {std::uint64_t{0}, std::uint64_t{2}, std::uint64_t{4},
                                      UINT64_MAX, UINT64_MAX / sizeof(Entry) + 2})
        EXPECT_FALSE(sbm::archive::unpack(good, count, UINT64_MAX)) << count;
    EXPECT_EQ(sbm::archive::unpack(good, 3, 3 * sizeof(Entry)).error().code(),
              sbm::Errc::no_memory);
    for (unsigned seed = 0; seed < 20'000; seed++) {
        const auto any = sbm::archive::unpack(sbm::modules::damaged(good, seed), 3, 10'000);
        for (std::size_t i = 0; any && i < any->size(); i++) {
            EXPECT_LE(any->at(i).kind, Kind::other);
            EXPECT_LE(any->at(i).permissions, 07777U);
        }
    }
}

TEST(ArchivePath, SafePathsStayBelow)
{
    using namespace std::string_view_literals;
    for (const auto path : {"a"sv, "a/b"sv, "a/b/"sv, "./a"sv, "..a/b.."sv, "\xff"sv, "a/..."sv})
        EXPECT_TRUE(sbm::archive::is_safe_path(path)) << path;
    for (const auto path : {""sv, "/"sv, "/a"sv, ".."sv, "../a"sv, "a/.."sv, "a/../b"sv, "a//b"sv,
                            "a//"sv, "a/../"sv, "a\0b"sv, "\0"sv, "../"sv})
        EXPECT_FALSE(sbm::archive::is_safe_path(path)) << path;
}

} // namespace
