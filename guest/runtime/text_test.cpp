// SPDX-License-Identifier: Apache-2.0
//
// Numbers and characters to text and back: the cell against the host's libc.
#include "test_cell.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cerrno>
#include <clocale>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <random>

namespace sbm::test {
namespace {

class TextTest : public testing::Test {
protected:
    std::string text(std::size_t longest, const char *letters)
    {
        std::string result(random() % (longest + 1), ' ');
        for (char &c : result)
            c = letters[random() % std::strlen(letters)];
        return result;
    }
    // All magnitudes, infinities and not-a-number among them.
    double number()
    {
        const double value = std::bit_cast<double>(random());
        return random() % 2
                   ? value
                   : static_cast<double>(static_cast<long>(random()) >> (random() % 64)) / 8;
    }

    TestCell cell{1U << 20};
    std::mt19937_64 random{99};
};

TEST_F(TextTest, PrintsIntegers)
{
    const auto snprintf_ = cell.function<int(char *, std::size_t, const char *, ...)>("snprintf");
    for (int round = 0; round < 20'000; round++) {
        const char *const lengths[] = {"hh", "h", "", "l", "ll", "z", "t", "j"};
        std::string format = "<%";
        format.append(text(2, "-+ #0")).append(random() % 2 ? "*" : "");
        if (random() % 3 == 0)
            format.append(".").append(std::to_string(random() % 25));
        format.append(lengths[random() % 8]).append(1, "diouxX"[random() % 6]).append(">");
        const bool star = format.find('*') != std::string::npos;
        const auto value = static_cast<long>(random()) >> (random() % 64);
        const int width = static_cast<int>(random() % 40) - 20;
        const std::size_t room = random() % 48;
        char mine[64] = {};
        char theirs[64] = {};
        const int my_length = star ? snprintf_(mine, room, format.c_str(), width, value)
                                   : snprintf_(mine, room, format.c_str(), value);
        const int their_length = star ? std::snprintf(theirs, room, format.c_str(), width, value)
                                      : std::snprintf(theirs, room, format.c_str(), value);
        ASSERT_EQ(my_length, their_length) << format;
        ASSERT_STREQ(mine, theirs) << format;
    }
}

TEST_F(TextTest, PrintsFloatingPoint)
{
    const auto snprintf_ = cell.function<int(char *, std::size_t, const char *, ...)>("snprintf");
    for (int round = 0; round < 20'000; round++) {
        std::string format = "<%";
        format.append(text(2, "-+ #0")).append(std::to_string(random() % 30 + 1));
        if (random() % 3 != 0)
            format.append(".").append(std::to_string(random() % 40));
        format.append(1, "feEgG"[random() % 5]).append(">");
        const double value = number();
        char mine[512] = {};
        char theirs[512] = {};
        ASSERT_EQ(snprintf_(mine, sizeof mine, format.c_str(), value),
                  std::snprintf(theirs, sizeof theirs, format.c_str(), value))
            << format << " " << value;
        ASSERT_STREQ(mine, theirs) << format;
    }
}

TEST_F(TextTest, PrintsText)
{
    const auto snprintf_ = cell.function<int(char *, std::size_t, const char *, ...)>("snprintf");
    const auto asprintf_ = cell.function<int(char **, const char *, ...)>("asprintf");
    char to[64];
    EXPECT_EQ(snprintf_(to, sizeof to, "%5s|%-5.2s|%c|%%", "ab", "xyz", 'q'), 15);
    EXPECT_STREQ(to, "   ab|xy   |q|%");
    EXPECT_EQ(snprintf_(to, sizeof to, "%2$s %1$d", 7, "seven"), 7);
    EXPECT_STREQ(to, "seven 7");
    EXPECT_EQ(snprintf_(to, sizeof to, "%ls %lc", L"h\u00e9\u20ac", L'\U0001f600'), 11);
    EXPECT_STREQ(to, "h\u00e9\u20ac \U0001f600");
    cell.cell_errno() = ENOENT;
    EXPECT_EQ(snprintf_(to, sizeof to, "%m"), 25);
    EXPECT_STREQ(to, "No such file or directory");
    char *made = nullptr;
    EXPECT_EQ(asprintf_(&made, "%d-%s", 12, "x"), 4);
    EXPECT_STREQ(made, "12-x");
    EXPECT_GE(reinterpret_cast<unsigned char *>(made), cell.heap().data());
    EXPECT_LT(reinterpret_cast<unsigned char *>(made), cell.heap().data() + cell.heap().size());
}

TEST_F(TextTest, ReadsIntegers)
{
    for (int round = 0; round < 30'000; round++) {
        const std::string input = text(3, " \t+-0") + text(1, "x0") + text(24, "0123456789abfxz");
        const int base = random() % 3 ? static_cast<int>(random() % 35) + 2 : 0;
        char *mine = nullptr;
        char *theirs = nullptr;
        cell.cell_errno() = errno = 0;
        const long value = std::strtol(input.c_str(), &theirs, base);
        const int error = errno;
        for (const char *name : {"strtol", "__isoc23_strtol", "strtoll", "strtoimax"}) {
            cell.cell_errno() = 0;
            // The prefix 0b is C23's alone.
            if (input.find("0b") != std::string::npos && name[0] == '_')
                continue;
            ASSERT_EQ(
                cell.function<long(const char *, char **, int)>(name)(input.c_str(), &mine, base),
                value)
                << name << " '" << input << "' " << base;
            ASSERT_EQ(mine, theirs) << name << " '" << input << "' " << base;
            ASSERT_EQ(cell.cell_errno() == ERANGE, error == ERANGE);
        }
        ASSERT_EQ(cell.function<unsigned long(const char *, char **, int)>("strtoul")(input.c_str(),
                                                                                      &mine, base),
                  std::strtoul(input.c_str(), &theirs, base))
            << input;
        ASSERT_EQ(mine, theirs);
    }
}

TEST_F(TextTest, ReadsBinaryNumbersOfC23)
{
    const auto signed_ = cell.function<long(const char *, char **, int)>("__isoc23_strtol");
    const auto unsigned_ =
        cell.function<unsigned long(const char *, char **, int)>("__isoc23_strtoul");
    const std::string ones63(63, '1');
    const struct {
        std::string input;
        int base;
        long value;
        std::size_t used;
    } cases[] = {{"0b101x", 0, 5, 5},
                 {" -0B11", 2, -3, 6},
                 {"0b2", 0, 0, 1},
                 {"0b", 0, 0, 1},
                 {"0b101", 16, 0xb101, 5},
                 {"101", 2, 5, 3},
                 {"0b" + ones63, 0, INT64_MAX, 65},
                 {"0b0000000000000000000" + ones63 + "1", 0, INT64_MAX, 85},
                 {"-0b1" + std::string(63, '0'), 0, INT64_MIN, 67},
                 {"-0b1" + std::string(63, '0') + "0", 0, INT64_MIN, 68},
                 {"0b1" + std::string(900, '0'), 0, INT64_MAX, 903}};
    for (const auto &one : cases) {
        char *end = nullptr;
        EXPECT_EQ(signed_(one.input.c_str(), &end, one.base), one.value) << one.input;
        EXPECT_EQ(static_cast<std::size_t>(end - one.input.c_str()), one.used) << one.input;
    }
    EXPECT_EQ(unsigned_("-0b1", nullptr, 0), UINT64_MAX);
    EXPECT_EQ(unsigned_(("0b1" + ones63).c_str(), nullptr, 0), UINT64_MAX);
    EXPECT_EQ(unsigned_(("-0b1" + ones63).c_str(), nullptr, 0), 1U);
    cell.cell_errno() = 0;
    EXPECT_EQ(unsigned_(("-0b11" + ones63).c_str(), nullptr, 0), UINT64_MAX);
    EXPECT_EQ(cell.cell_errno(), ERANGE);
}

TEST_F(TextTest, ReadsFloatingPoint)
{
    const auto strtod_ = cell.function<double(const char *, char **)>("strtod");
    const auto strtof_ = cell.function<float(const char *, char **)>("strtof");
    for (int round = 0; round < 30'000; round++) {
        char printed[64];
        std::snprintf(printed, sizeof printed, "%.*g", static_cast<int>(random() % 25), number());
        const std::string input =
            random() % 2 ? text(2, " -+0x.") + text(20, "0123456789.") + text(4, "e-+p12")
                         : printed;
        char *mine = nullptr;
        char *theirs = nullptr;
        const double value = strtod_(input.c_str(), &mine);
        const double expected = std::strtod(input.c_str(), &theirs);
        ASSERT_TRUE(value == expected || (std::isnan(value) && std::isnan(expected))) << input;
        ASSERT_EQ(mine, theirs) << input;
        const float narrow = strtof_(input.c_str(), &mine);
        const float narrow_expected = std::strtof(input.c_str(), &theirs);
        ASSERT_TRUE(narrow == narrow_expected ||
                    (std::isnan(narrow) && std::isnan(narrow_expected)));
    }
}

TEST_F(TextTest, Scans)
{
    for (const char *name : {"sscanf", "__isoc99_sscanf", "__isoc23_sscanf"}) {
        const auto scan = cell.function<int(const char *, const char *, ...)>(name);
        int number = 0;
        double fraction = 0;
        char word[16] = {};
        char set[16] = {};
        wchar_t wide[8] = {};
        int used = 0;
        EXPECT_EQ(scan("12 3.5e1 hello abcx \u00e9\u20ac", "%d %lf %15s %15[abc]%*c %7ls%n",
                       &number, &fraction, word, set, wide, &used),
                  5);
        EXPECT_EQ(number, 12);
        EXPECT_EQ(fraction, 35.0);
        EXPECT_STREQ(word, "hello");
        EXPECT_STREQ(set, "abc");
        EXPECT_EQ(std::wstring(wide), L"\u00e9\u20ac");
        EXPECT_EQ(used, 25);
        EXPECT_EQ(scan("x", "%d", &number), 0);
        EXPECT_EQ(scan("", "%d", &number), EOF);
    }
}

// UTF-8 against glibc's C.UTF-8, in pieces and whole.
class Utf8Test : public TextTest {
protected:
    void SetUp() override
    {
        locale = newlocale(LC_ALL_MASK, "C.UTF-8", nullptr);
        if (locale == nullptr)
            GTEST_SKIP() << "the host's libc has no C.UTF-8 to compare with";
        previous = uselocale(locale);
    }
    void TearDown() override
    {
        if (locale == nullptr)
            return;
        uselocale(previous);
        freelocale(locale);
    }
    // Without the lead bytes whose second byte is restricted: glibc notices those later.
    std::string bytes(std::size_t longest)
    {
        std::string result =
            text(longest, "aa\x80\xbf\x9f\xa0\x90\x8f\xc1\xc2\xdf\xe1\xee\xef\xf1\xf3\xff");
        if (random() % 8 == 0)
            result.push_back('\0');
        return result;
    }

    locale_t locale = nullptr;
    locale_t previous = nullptr;
};

TEST_F(Utf8Test, Decodes)
{
    const auto mbrtowc_ =
        cell.function<std::size_t(wchar_t *, const char *, std::size_t, mbstate_t *)>("mbrtowc");
    const auto mbtowc_ = cell.function<int(wchar_t *, const char *, std::size_t)>("mbtowc");
    mbstate_t mine{};
    mbstate_t theirs{};
    for (int round = 0; round < 200'000; round++) {
        const std::string input = bytes(5);
        wchar_t my_character = 0;
        wchar_t their_character = 0;
        const auto length = mbrtowc_(&my_character, input.data(), input.size(), &mine);
        ASSERT_EQ(length, std::mbrtowc(&their_character, input.data(), input.size(), &theirs))
            << "round " << round;
        if (length < 5) {
            ASSERT_EQ(my_character, their_character);
        }
        if (length == static_cast<std::size_t>(-1)) {
            ASSERT_EQ(cell.cell_errno(), EILSEQ);
            mine = theirs = {}; // unspecified after an error
        }
        ASSERT_EQ(std::mbsinit(&mine) != 0, std::mbsinit(&theirs) != 0);
        if (input.empty())
            continue; // glibc looks at the first byte even if it is told not to
        std::mbtowc(nullptr, nullptr, 0);
        ASSERT_EQ(mbtowc_(&my_character, input.data(), input.size()),
                  std::mbtowc(&their_character, input.data(), input.size()));
    }
}

// glibc takes values beyond U+10FFFF; RFC 3629 does not.
TEST_F(TextTest, RefusesWhatIsNotUtf8)
{
    const auto mbtowc_ = cell.function<int(wchar_t *, const char *, std::size_t)>("mbtowc");
    wchar_t character = 0;
    for (const std::string bytes : {"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xed\xa0\x80",
                                    "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xc1\xbf", "\x80"})
        EXPECT_EQ(mbtowc_(&character, bytes.data(), bytes.size()), -1);
    EXPECT_EQ(mbtowc_(&character, "\xf4\x8f\xbf\xbf", 4), 4);
    EXPECT_EQ(character, static_cast<wchar_t>(0x10ffff));
}

TEST_F(Utf8Test, Encodes)
{
    const auto wcrtomb_ = cell.function<std::size_t(char *, wchar_t, mbstate_t *)>("wcrtomb");
    const auto wctomb_ = cell.function<int(char *, wchar_t)>("wctomb");
    const auto mbtowc_ = cell.function<int(wchar_t *, const char *, std::size_t)>("mbtowc");
    for (std::int64_t value = -3; value < 0x110000; value += value < 0x1000 ? 1 : 13) {
        char mine[16] = {};
        char theirs[16] = {};
        mbstate_t state{};
        const auto character = static_cast<wchar_t>(value);
        const auto length = wcrtomb_(mine, character, nullptr);
        ASSERT_EQ(length, std::wcrtomb(theirs, character, &state)) << value;
        ASSERT_EQ(wctomb_(mine, character), static_cast<int>(length));
        if (length == static_cast<std::size_t>(-1))
            continue;
        ASSERT_STREQ(mine, theirs);
        wchar_t back = 0;
        ASSERT_EQ(mbtowc_(&back, mine, sizeof mine), value != 0 ? static_cast<int>(length) : 0);
        ASSERT_EQ(back, character);
    }
    char to[16];
    EXPECT_EQ(wctomb_(to, static_cast<wchar_t>(0x110000)), -1);
    EXPECT_EQ(cell.function<std::size_t()>("__ctype_get_mb_cur_max")(), 4U);
    EXPECT_EQ(cell.function<wint_t(int)>("btowc")('a'), static_cast<wint_t>('a'));
    EXPECT_EQ(cell.function<wint_t(int)>("btowc")(0x80), WEOF);
    EXPECT_EQ(cell.function<int(wint_t)>("wctob")(0xe9), EOF);
}

TEST_F(Utf8Test, ConvertsStrings)
{
    const auto mbsrtowcs_ =
        cell.function<std::size_t(wchar_t *, const char **, std::size_t, mbstate_t *)>("mbsrtowcs");
    const auto mbstowcs_ =
        cell.function<std::size_t(wchar_t *, const char *, std::size_t)>("mbstowcs");
    const auto wcstombs_ =
        cell.function<std::size_t(char *, const wchar_t *, std::size_t)>("wcstombs");
    for (int round = 0; round < 50'000; round++) {
        const std::string input =
            random() % 2 ? bytes(12) : text(3, "ab") + "\u00e9\u20ac\U0001f600" + text(3, "c");
        const std::size_t room = random() % 10;
        wchar_t mine[16] = {};
        wchar_t theirs[16] = {};
        const char *my_rest = input.c_str();
        const char *their_rest = input.c_str();
        mbstate_t my_state{};
        mbstate_t their_state{};
        const auto converted = mbsrtowcs_(mine, &my_rest, room, &my_state);
        ASSERT_EQ(converted, std::mbsrtowcs(theirs, &their_rest, room, &their_state));
        if (converted != static_cast<std::size_t>(-1)) {
            ASSERT_EQ(std::wmemcmp(mine, theirs, 16), 0);
            ASSERT_EQ(my_rest, their_rest);
        } else {
            // Just past what was converted (C11, 7.29.6.4.1); glibc may be further.
            ASSERT_LE(my_rest, their_rest);
        }
        const std::size_t count = mbstowcs_(nullptr, input.c_str(), 0);
        ASSERT_EQ(count, std::mbstowcs(nullptr, input.c_str(), 0));
        if (count > 15)
            continue;
        ASSERT_EQ(mbstowcs_(mine, input.c_str(), 16), count);
        char back[64];
        ASSERT_EQ(wcstombs_(back, mine, sizeof back), std::strlen(input.c_str()));
        ASSERT_STREQ(back, input.c_str());
    }
}

} // namespace
} // namespace sbm::test
