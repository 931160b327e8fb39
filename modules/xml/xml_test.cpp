// SPDX-License-Identifier: Apache-2.0
//
// Documents and drawings of Debian, whole and damaged: events and refusals are those of
// the same library outside of a cell.
#include "conformance/at_level.hpp"
#include "modules/files.hpp"
#include "modules/packed_cell.hpp"
#include "modules/xml/here.hpp"
#include "modules/xml/unpack.hpp"

#include <sbm/modules/xml.hpp>

#include <iconv.h>

#include <optional>

namespace {

using sbm::modules::Bytes;
using sbm::xml::Event;
using sbm::xml::Kind;
using sbm::xml::Name;
using sbm::xml::test::ParsedHere;

Bytes bytes_of(std::string_view text)
{
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

std::string shown(const Name &name)
{
    return name.prefix + ":" + name.local + "{" + name.space + "}";
}

// All of an event as one line, so that a difference is seen at once.
std::string shown(const Event &event)
{
    std::string line = std::to_string(static_cast<int>(event.kind)) + " line " +
                       std::to_string(event.line) + " " + shown(event.name) + " [" + event.text +
                       "]";
    for (const auto &[prefix, space] : event.namespaces)
        line += " xmlns:" + prefix + "=" + space;
    for (const auto &[name, value] : event.attributes)
        line += " " + shown(name) + "=[" + value + "]";
    return line;
}

// The text in another encoding.
std::string encoded(const std::string &text, const std::string &encoding)
{
    iconv_t converter = iconv_open(encoding.c_str(), "UTF-8");
    EXPECT_NE(converter, reinterpret_cast<iconv_t>(-1)) << encoding;
    std::string result(4 * text.size() + 16, '\0');
    char *from = const_cast<char *>(text.data()), *to = result.data();
    std::size_t from_size = text.size(), to_size = result.size();
    EXPECT_NE(iconv(converter, &from, &from_size, &to, &to_size), static_cast<std::size_t>(-1))
        << encoding;
    iconv(converter, nullptr, nullptr, &to, &to_size);
    iconv_close(converter);
    result.resize(result.size() - to_size);
    return result;
}

class Xml : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        sbm::xml::test::load_nothing_here();
        auto parser = sbm::xml::Parser::create(limits());
        ASSERT_TRUE(parser) << parser.error().text();
        parser_.emplace(std::move(*parser));
    }
    static sbm::modules::Limits limits()
    {
        sbm::modules::Limits limits;
        limits.level = static_cast<sbm::Level>(level());
        return limits;
    }

    void expect_same(const Bytes &document, const std::string &name)
    {
        const ParsedHere here(document);
        const auto there = parser_->parse(document);
        ASSERT_EQ(here.good, there.has_value())
            << name << ": " << (there ? "accepted" : there.error().text()) << " but " << here.words;
        if (!here.good) {
            EXPECT_EQ(there.error().code(), sbm::Errc::misuse) << name << there.error().text();
            EXPECT_EQ(std::string(there.error().text()).substr(0, 60), first_words(here.words))
                << name;
            return;
        }
        ASSERT_EQ(here.events.size(), there->size()) << name;
        for (std::size_t i = 0; i < there->size(); i++)
            ASSERT_EQ(shown(here.events[i]), shown((*there)[i])) << name << ": event " << i;
    }

    std::string text_of_refusal(std::string_view document)
    {
        const auto refused = parser_->parse(bytes_of(document));
        if (refused)
            return "accepted";
        EXPECT_EQ(refused.error().code(), sbm::Errc::misuse);
        return refused.error().text();
    }

    std::optional<sbm::xml::Parser> parser_;

private:
    // As they are printed: what is no ASCII letter becomes a dot.
    static std::string first_words(std::string words)
    {
        while (!words.empty() && words.back() == '\n')
            words.pop_back();
        for (char &c : words)
            c = c >= 0x20 && c < 0x7f ? c : '.';
        return words.substr(0, 60);
    }
};

TEST_P(Xml, RealDocumentsAreTheSame)
{
    const auto documents = sbm::modules::find_files("/usr/share", ".xml", 300);
    const auto drawings = sbm::modules::find_files("/usr/share", ".svg", 300);
    ASSERT_GE(documents.size() + drawings.size(), 100U);
    for (const auto *list : {&documents, &drawings})
        for (const auto &file : *list)
            expect_same(sbm::modules::read_file(file), file);
}

TEST_P(Xml, DamagedDocumentsAreTheSame)
{
    unsigned seed = 0;
    for (const char *ending : {".xml", ".svg"})
        for (const auto &file : sbm::modules::find_files("/usr/share", ending, 60))
            for (int i = 0; i < 20; i++) {
                const Bytes document = sbm::modules::read_file(file);
                if (document.size() < 200'000)
                    expect_same(sbm::modules::damaged(document, seed++), file);
            }
}

TEST_P(Xml, EveryKindOfEventComes)
{
    const std::string document = "<!DOCTYPE a SYSTEM 'none.dtd' [<!ENTITY in '<b>inside</b>'>\n"
                                 "<!ATTLIST a e CDATA 'default'>]>\n"
                                 "<a xmlns='urn:one' xmlns:p='urn:two' p:c='1 &lt; 2'>text &in;\n"
                                 "<![CDATA[<raw>]]><!-- words --><?go there?>&elsewhere;<p:d/>"
                                 "&in;</a>";
    expect_same(bytes_of(document), "every kind");
    const auto events = parser_->parse(bytes_of(document));
    ASSERT_TRUE(events) << events.error().text();
    std::string all;
    for (const Event &event : *events)
        all += shown(event) + "\n";
    EXPECT_EQ(all, "0 line 3 :a{urn:one} [] xmlns:=urn:one xmlns:p=urn:two "
                   "p:c{urn:two}=[1 < 2] :e{}=[default]\n"
                   "2 line 3 :{} [text ]\n"
                   "0 line 1 :b{urn:one} []\n2 line 1 :{} [inside]\n1 line 1 :b{urn:one} []\n"
                   "2 line 4 :{} [\n]\n"
                   "3 line 4 :{} [<raw>]\n4 line 4 :{} [ words ]\n5 line 4 :go{} [there]\n"
                   "6 line 4 :elsewhere{} []\n"
                   "0 line 4 p:d{urn:two} []\n1 line 4 p:d{urn:two} []\n"
                   "0 line 1 :b{urn:one} []\n2 line 1 :{} [inside]\n1 line 1 :b{urn:one} []\n"
                   "1 line 4 :a{urn:one} []\n");
}

TEST_P(Xml, EncodingsAreTheSame)
{
    const std::string western = "Gr\u00fc\u00dfe f\u00fcr \u00e9t\u00e9";
    const std::string east = "\u65e5\u672c\u8a9e";
    const std::vector<std::pair<const char *, std::string>> cases = {
        {"UTF-8", western + east},
        {"UTF-16", western + east},
        {"ISO-8859-1", western},
        {"ISO-8859-2", "\u0141\u00f3d\u017a"},
        {"ISO-8859-15", western + "\u20ac"},
        {"windows-1252", western + "\u20ac"},
        {"windows-1251", "\u041c\u043e\u0441\u043a\u0432\u0430"},
        {"KOI8-R", "\u041c\u043e\u0441\u043a\u0432\u0430"},
        {"Shift_JIS", east},
        {"EUC-JP", east},
        {"ISO-2022-JP", east},
        {"GB18030", "\u4e2d\u6587\u20ac"},
        {"Big5", "\u4e2d\u6587"},
        {"EUC-KR", "\ud55c\uad6d"},
    };
    for (const auto &[encoding, text] : cases) {
        const std::string document = "<?xml version='1.0' encoding='" + std::string(encoding) +
                                     "'?><a b='" + text + "'>" + text + "</a>";
        const Bytes bytes = bytes_of(encoded(document, encoding));
        expect_same(bytes, encoding);
        const auto events = parser_->parse(bytes);
        ASSERT_TRUE(events) << encoding << ": " << events.error().text();
        EXPECT_EQ((*events)[0].attributes.at(0).value, text) << encoding;
    }
    expect_same(bytes_of("<?xml version='1.0' encoding='x-none'?><a/>"), "x-none");
    // Of libxml2's own encodings even the errors are the same.
    for (unsigned seed = 0; seed < 150; seed++)
        for (const char *encoding : {"UTF-8", "UTF-16", "ISO-8859-1"}) {
            const std::string document = "<?xml version='1.0' encoding='" + std::string(encoding) +
                                         "'?><a b='" + western + "'>" + western + "</a>";
            expect_same(sbm::modules::damaged(bytes_of(encoded(document, encoding)), seed),
                        encoding + std::to_string(seed));
        }
}

TEST_P(Xml, DamageIsRefusedInWordsWithItsLine)
{
    EXPECT_EQ(text_of_refusal("<a>\n<b>\n</a>"),
              "line 3: Opening and ending tag mismatch: b line 2 and a");
    EXPECT_EQ(text_of_refusal(""), "line 1: Document is empty");
    EXPECT_NE(text_of_refusal("<a>\n&none;</a>"), "accepted");
}

TEST_P(Xml, NothingOutsideIsRead)
{
    for (const std::string place : {"file:///etc/passwd", "/etc/passwd", "http://127.0.0.1:1/x"}) {
        const std::string documents[] = {
            "<!DOCTYPE a SYSTEM '" + place + "'><a>b</a>",
            "<!DOCTYPE a [<!ENTITY % x SYSTEM '" + place + "'> %x;]><a>b</a>",
            "<!DOCTYPE a [<!ENTITY x SYSTEM '" + place + "'>]><a>&x;</a>",
        };
        for (const std::string &document : documents) {
            expect_same(bytes_of(document), document);
            const auto events = parser_->parse(bytes_of(document));
            ASSERT_TRUE(events) << events.error().text();
            EXPECT_EQ(events->size(), 3U) << document;
        }
        const auto events = parser_->parse(bytes_of(documents[2]));
        ASSERT_TRUE(events);
        EXPECT_EQ(shown((*events)[1]), "6 line 1 :x{} []");
        EXPECT_NE(text_of_refusal("<!DOCTYPE a [<!ENTITY x SYSTEM '" + place + "'>]><a b='&x;'/>"),
                  "accepted");
    }
}

// Each entity is ten of the one before: a billion of the first.
TEST_P(Xml, EntitiesThatExpandWithoutEndAreRefusedQuickly)
{
    std::string laughs = "<!DOCTYPE a [<!ENTITY l0 'laugh'>";
    for (int i = 1; i < 10; i++) {
        laughs += "<!ENTITY l" + std::to_string(i) + " '";
        for (int j = 0; j < 10; j++)
            laughs += "&l" + std::to_string(i - 1) + ";";
        laughs += "'>";
    }
    sbm::modules::Limits hasty = limits();
    hasty.time = std::chrono::seconds(2);
    auto parser = sbm::xml::Parser::create(hasty);
    ASSERT_TRUE(parser);
    for (const char *use : {"]><a>&l9;</a>", "]><a b='&l9;'/>"}) {
        const auto refused = parser->parse(bytes_of(laughs + use));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code(), sbm::Errc::misuse) << refused.error().text();
    }
    EXPECT_NE(text_of_refusal("<!DOCTYPE a [<!ENTITY x '&x;'>]><a>&x;</a>"), "accepted");
}

TEST_P(Xml, DeepDocumentsAreRefused)
{
    std::string deep;
    for (int i = 0; i < 100'000; i++)
        deep += "<a>";
    EXPECT_NE(text_of_refusal(deep), "accepted");
}

TEST_P(Xml, MoreThanAllowedIsRefused)
{
    std::string document = "<a>";
    for (int i = 0; i < 1000; i++)
        document += "<b c='d'/>";
    document += "</a>";
    ASSERT_TRUE(parser_->parse(bytes_of(document)));
    for (const std::uint64_t allowed : {10'000, 60'000, 300'000}) {
        sbm::modules::Limits small = limits();
        small.output_bytes = allowed;
        auto parser = sbm::xml::Parser::create(small);
        ASSERT_TRUE(parser);
        const auto refused = parser->parse(bytes_of(document));
        ASSERT_FALSE(refused) << allowed;
        EXPECT_EQ(refused.error().code(), sbm::Errc::no_memory);
        EXPECT_TRUE(parser->parse(bytes_of("<a/>")));
    }
}

// More than one part of the result, and more than the cell's memory.
TEST_P(Xml, LargeDocumentsComeWholeOrNotAtAll)
{
    std::string document = "<a>";
    for (int i = 0; i < 40'000; i++)
        document += "<b>" + std::to_string(i) + " and so on, as long as a line is</b>\n";
    document += "</a>";
    expect_same(bytes_of(document), "large");
    sbm::modules::Limits small = limits();
    small.memory = std::size_t{4} << 20;
    auto parser = sbm::xml::Parser::create(small);
    ASSERT_TRUE(parser);
    const auto refused = parser->parse(bytes_of(document));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), sbm::Errc::no_memory) << refused.error().text();
}

INSTANTIATE_TEST_SUITE_P(Level, Xml, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

Bytes bytes_of(const sbm::modules::Packer &packer)
{
    Bytes bytes(packer.size().bytes);
    EXPECT_EQ(packer.take(0, {bytes.data(), bytes.size()}), 0);
    return bytes;
}

// A cell that has been taken over gives any bytes.
TEST(XmlUnpack, NoByteOfACellIsBelieved)
{
    sbm::modules::Packer packer;
    for (std::uint8_t kind = 0; kind <= 6; kind++) {
        packer.begin_item();
        packer.byte(kind);
        packer.number(std::uint32_t{7});
        const bool has_name = kind <= 1, has_two_texts = kind == 5;
        for (int i = 0; i < (has_name ? 3 : has_two_texts ? 2 : 1); i++)
            packer.text("text");
        if (kind != 0)
            continue;
        packer.number(std::uint32_t{1}); // a namespace
        packer.text("prefix");
        packer.text("space");
        packer.number(std::uint32_t{1}); // an attribute
        for (const char *text : {"", "local", "", "value"})
            packer.text(text);
    }
    const Bytes good = bytes_of(packer);
    const auto events = sbm::xml::unpack(good, 7, 10'000);
    ASSERT_TRUE(events) << events.error().text();
    EXPECT_EQ(shown(events->at(0)),
              "0 line 7 text:text{text} [] xmlns:prefix=space :local{}=[value]");
    EXPECT_EQ(shown(events->at(5)), "5 line 7 :text{} [text]");
    for (std::size_t size = 0; size < good.size(); size++)
        EXPECT_FALSE(sbm::xml::unpack(std::span(good).first(size), 7, 10'000)) << size;
    for (const std::uint64_t count : {std::uint64_t{0}, std::uint64_t{6}, std::uint64_t{8},
                                      UINT64_MAX, UINT64_MAX / sizeof(Event) + 2})
        EXPECT_FALSE(sbm::xml::unpack(good, count, UINT64_MAX)) << count;
    EXPECT_EQ(sbm::xml::unpack(good, 7, 7 * sizeof(Event)).error().code(), sbm::Errc::no_memory);
    for (unsigned seed = 0; seed < 20'000; seed++) {
        const auto any = sbm::xml::unpack(sbm::modules::damaged(good, seed), 7, 10'000);
        for (std::size_t i = 0; any && i < any->size(); i++)
            EXPECT_LE(any->at(i).kind, Kind::entity_reference);
    }
}

TEST(XmlShort, OneLineParses)
{
    const auto events = sbm::xml::parse(bytes_of("<a/>"));
    ASSERT_TRUE(events) << events.error().text();
    EXPECT_EQ(events->size(), 2U);
}

} // namespace
