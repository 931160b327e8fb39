// SPDX-License-Identifier: Apache-2.0
//
// Memory, sorting, searching, character classes and other functions of the cell
// against those of the host's libc, over random inputs.
#include "test_cell.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <clocale>
#include <cstring>
#include <ctime>
#include <random>
#include <vector>

#include <arpa/inet.h>
#include <search.h>

// glibc's POSIX form of strerror_r; its headers give it this name only as an alias.
extern "C" int __xpg_strerror_r(int error, char *buffer, std::size_t size);

namespace sbm::test {
namespace {

class LibcTest : public testing::Test {
protected:
    // Few letters, so that matches are frequent.
    std::string text(std::size_t longest, const char *letters = "aab")
    {
        std::string result(random() % (longest + 1), ' ');
        for (char &c : result)
            c = letters[random() % std::strlen(letters)];
        return result;
    }

    TestCell cell{1U << 20};
    std::mt19937_64 random{77};
};

int sign(int value)
{
    return (value > 0) - (value < 0);
}

TEST_F(LibcTest, Searches)
{
    const auto memmem_ =
        cell.function<void *(const void *, std::size_t, const void *, std::size_t)>("memmem");
    const auto strstr_ = cell.function<char *(const char *, const char *)>("strstr");
    const auto strcasestr_ = cell.function<char *(const char *, const char *)>("strcasestr");
    const auto strpbrk_ = cell.function<char *(const char *, const char *)>("strpbrk");
    const auto strspn_ = cell.function<std::size_t(const char *, const char *)>("strspn");
    const auto strcspn_ = cell.function<std::size_t(const char *, const char *)>("strcspn");
    const auto memrchr_ = cell.function<void *(const void *, int, std::size_t)>("memrchr");
    const auto rawmemchr_ = cell.function<void *(const void *, int)>("rawmemchr");
    const auto strchrnul_ = cell.function<char *(const char *, int)>("strchrnul");
    for (int round = 0; round < 20'000; round++) {
        const std::string hay = text(80);
        const std::string needle = text(7);
        const char *h = hay.c_str();
        const char *n = needle.c_str();
        ASSERT_EQ(memmem_(h, hay.size(), n, needle.size()),
                  memmem(h, hay.size(), n, needle.size()));
        ASSERT_EQ(strstr_(h, n), std::strstr(h, n)) << hay << " / " << needle;
        ASSERT_EQ(strcasestr_(h, n), strcasestr(h, n));
        ASSERT_EQ(strpbrk_(h, n), std::strpbrk(h, n));
        ASSERT_EQ(strspn_(h, n), std::strspn(h, n));
        ASSERT_EQ(strcspn_(h, n), std::strcspn(h, n));
        ASSERT_EQ(memrchr_(h, 'b', hay.size()), memrchr(h, 'b', hay.size()));
        ASSERT_EQ(rawmemchr_(h, '\0'), h + hay.size());
        ASSERT_EQ(strchrnul_(h, 'b'), strchrnul(h, 'b'));
    }
}

TEST_F(LibcTest, Comparisons)
{
    const auto memcmp_ = cell.function<int(const void *, const void *, std::size_t)>("memcmp");
    const auto strcmp_ = cell.function<int(const char *, const char *)>("strcmp");
    const auto strcoll_ = cell.function<int(const char *, const char *)>("strcoll");
    const auto strncasecmp_ =
        cell.function<int(const char *, const char *, std::size_t)>("strncasecmp");
    const auto strxfrm_ = cell.function<std::size_t(char *, const char *, std::size_t)>("strxfrm");
    for (int round = 0; round < 20'000; round++) {
        const std::string a = text(6, "aA1\xe9");
        const std::string b = text(6, "aA1\xe9");
        const std::size_t n = std::min(a.size(), b.size());
        ASSERT_EQ(sign(memcmp_(a.data(), b.data(), n)), sign(std::memcmp(a.data(), b.data(), n)));
        ASSERT_EQ(sign(strcmp_(a.c_str(), b.c_str())), sign(std::strcmp(a.c_str(), b.c_str())));
        ASSERT_EQ(sign(strcoll_(a.c_str(), b.c_str())), sign(std::strcmp(a.c_str(), b.c_str())));
        ASSERT_EQ(sign(strncasecmp_(a.c_str(), b.c_str(), 3)),
                  sign(strncasecmp(a.c_str(), b.c_str(), 3)));
        char to[4] = "zzz";
        ASSERT_EQ(strxfrm_(to, a.c_str(), sizeof to), a.size());
        if (a.size() < sizeof to) {
            ASSERT_EQ(to, a);
        }
    }
}

TEST_F(LibcTest, Copies)
{
    const auto memcpy_ = cell.function<void *(void *, const void *, std::size_t)>("memcpy");
    const auto memmove_ = cell.function<void *(void *, const void *, std::size_t)>("memmove");
    const auto memset_ = cell.function<void *(void *, int, std::size_t)>("memset");
    std::vector<unsigned char> mine(700);
    std::vector<unsigned char> theirs(700);
    for (int round = 0; round < 5'000; round++) {
        for (std::size_t i = 0; i < mine.size(); i++)
            mine[i] = theirs[i] = static_cast<unsigned char>(random());
        const std::size_t size = random() % 300;
        const std::size_t from = random() % 300;
        const std::size_t to = random() % 300;
        ASSERT_EQ(memmove_(&mine[to], &mine[from], size), &mine[to]);
        std::memmove(&theirs[to], &theirs[from], size);
        ASSERT_EQ(memset_(&mine[from], static_cast<int>(size), size / 2), &mine[from]);
        std::memset(&theirs[from], static_cast<int>(size), size / 2);
        const std::vector<unsigned char> source(size + 1, 7);
        ASSERT_EQ(memcpy_(&mine[from], source.data(), size), &mine[from]);
        std::memcpy(&theirs[from], source.data(), size);
        ASSERT_EQ(mine, theirs);
    }
}

TEST_F(LibcTest, SortsAndFinds)
{
    using Compare = int (*)(const void *, const void *);
    using CompareWith = int (*)(const void *, const void *, void *);
    const auto qsort_ = cell.function<void(void *, std::size_t, std::size_t, Compare)>("qsort");
    const auto qsort_r_ =
        cell.function<void(void *, std::size_t, std::size_t, CompareWith, void *)>("qsort_r");
    const auto bsearch_ =
        cell.function<void *(const void *, const void *, std::size_t, std::size_t, Compare)>(
            "bsearch");
    const Compare compare = [](const void *a, const void *b) {
        const int x = *static_cast<const int *>(a);
        const int y = *static_cast<const int *>(b);
        return (x > y) - (x < y);
    };
    const CompareWith compare_with = [](const void *a, const void *b, void *factor) {
        const int x = *static_cast<const int *>(a) * *static_cast<int *>(factor);
        const int y = *static_cast<const int *>(b) * *static_cast<int *>(factor);
        return (x > y) - (x < y);
    };
    for (int round = 0; round < 500; round++) {
        std::vector<int> values(random() % 300 + 1);
        for (int &value : values)
            value = static_cast<int>(random() % 1000);
        auto sorted = values;
        std::sort(sorted.begin(), sorted.end());
        qsort_(values.data(), values.size(), sizeof(int), compare);
        ASSERT_EQ(values, sorted);
        const int key = static_cast<int>(random() % 1000);
        const auto *found = static_cast<const int *>(
            bsearch_(&key, values.data(), values.size(), sizeof(int), compare));
        ASSERT_EQ(found != nullptr, std::binary_search(sorted.begin(), sorted.end(), key));
        if (found != nullptr) {
            ASSERT_EQ(*found, key);
        }
        int factor = -1;
        qsort_r_(values.data(), values.size(), sizeof(int), compare_with, &factor);
        ASSERT_TRUE(std::equal(values.begin(), values.end(), sorted.rbegin()));
    }
}

TEST_F(LibcTest, TreesUseTheCellsHeap)
{
    const auto tsearch_ =
        cell.function<void *(const void *, void **, int (*)(const void *, const void *))>(
            "tsearch");
    const auto tfind_ =
        cell.function<void *(const void *, void *const *, int (*)(const void *, const void *))>(
            "tfind");
    const auto compare = [](const void *a, const void *b) { return (a > b) - (a < b); };
    void *root = nullptr;
    for (std::uintptr_t i = 1; i < 200; i++)
        ASSERT_NE(tsearch_(reinterpret_cast<void *>(i * 37 % 199), &root, compare), nullptr);
    EXPECT_GE(static_cast<unsigned char *>(root), cell.heap().data());
    EXPECT_LT(static_cast<unsigned char *>(root), cell.heap().data() + cell.heap().size());
    EXPECT_NE(tfind_(reinterpret_cast<void *>(5), &root, compare), nullptr);
    EXPECT_EQ(tfind_(reinterpret_cast<void *>(500), &root, compare), nullptr);
}

// The tables behind the macros of glibc's <ctype.h>, which index from -128 to 255.
TEST_F(LibcTest, CharacterTables)
{
    const auto *flags = *cell.function<const unsigned short **()>("__ctype_b_loc")();
    const auto *lower = *cell.function<const int **()>("__ctype_tolower_loc")();
    const auto *upper = *cell.function<const int **()>("__ctype_toupper_loc")();
    for (int c = -128; c < 256; c++) {
        EXPECT_EQ(flags[c], (*__ctype_b_loc())[c]) << c;
        EXPECT_EQ(lower[c], (*__ctype_tolower_loc())[c]) << c;
        EXPECT_EQ(upper[c], (*__ctype_toupper_loc())[c]) << c;
    }
    for (const std::string name :
         {"isalnum", "isalpha", "isblank", "iscntrl", "isdigit", "isgraph", "islower", "isprint",
          "ispunct", "isspace", "isupper", "isxdigit"}) {
        const auto function = cell.function<int(int)>(name);
        const auto bit = name == "isalnum"   ? _ISalnum
                         : name == "isalpha" ? _ISalpha
                         : name == "isblank" ? _ISblank
                         : name == "iscntrl" ? _IScntrl
                         : name == "isdigit" ? _ISdigit
                         : name == "isgraph" ? _ISgraph
                         : name == "islower" ? _ISlower
                         : name == "isprint" ? _ISprint
                         : name == "ispunct" ? _ISpunct
                         : name == "isspace" ? _ISspace
                         : name == "isupper" ? _ISupper
                                             : _ISxdigit;
        for (int c = -1; c < 256; c++)
            EXPECT_EQ(function(c) != 0, ((*__ctype_b_loc())[c] & bit) != 0) << name << " " << c;
    }
    for (int c = -1; c < 256; c++) {
        EXPECT_EQ(cell.function<int(int)>("tolower")(c), std::tolower(c));
        EXPECT_EQ(cell.function<int(int)>("toupper")(c), std::toupper(c));
    }
}

TEST_F(LibcTest, ErrorTexts)
{
    const auto strerror_ = cell.function<char *(int)>("strerror");
    const auto strerror_r_ = cell.function<char *(int, char *, std::size_t)>("strerror_r");
    const auto xpg_ = cell.function<int(int, char *, std::size_t)>("__xpg_strerror_r");
    for (int error = -2; error < 200; error++) {
        char buffer[64];
        EXPECT_STREQ(strerror_(error), std::strerror(error));
        EXPECT_STREQ(strerror_r_(error, buffer, sizeof buffer), std::strerror(error));
        char theirs[64] = {};
        char mine[64] = {};
        EXPECT_EQ(xpg_(error, mine, sizeof mine), __xpg_strerror_r(error, theirs, sizeof theirs));
        EXPECT_STREQ(mine, theirs);
    }
    char small[5];
    EXPECT_EQ(xpg_(ENOENT, small, sizeof small), ERANGE);
    EXPECT_STREQ(small, "No s");
}

// The same numbers and the same layout as glibc's structure.
TEST_F(LibcTest, LocaleConventions)
{
    const auto *mine = cell.function<lconv *()>("localeconv")();
    const auto *theirs = std::localeconv();
    EXPECT_STREQ(mine->decimal_point, theirs->decimal_point);
    EXPECT_STREQ(mine->thousands_sep, theirs->thousands_sep);
    EXPECT_STREQ(mine->negative_sign, theirs->negative_sign);
    EXPECT_EQ(mine->frac_digits, theirs->frac_digits);
    EXPECT_EQ(mine->int_n_sign_posn, theirs->int_n_sign_posn);
}

TEST_F(LibcTest, CalendarTime)
{
    const auto gmtime_r_ = cell.function<tm *(const time_t *, tm *)>("gmtime_r");
    const auto timegm_ = cell.function<time_t(tm *)>("timegm");
    for (int round = 0; round < 20'000; round++) {
        const auto time = static_cast<time_t>(random() >> (random() % 40 + 24)) - (1L << 36);
        tm mine{};
        tm theirs{};
        ASSERT_NE(gmtime_r_(&time, &mine), nullptr);
        ASSERT_NE(gmtime_r(&time, &theirs), nullptr);
        ASSERT_EQ(std::tie(mine.tm_year, mine.tm_mon, mine.tm_mday, mine.tm_hour, mine.tm_min,
                           mine.tm_sec, mine.tm_wday, mine.tm_yday),
                  std::tie(theirs.tm_year, theirs.tm_mon, theirs.tm_mday, theirs.tm_hour,
                           theirs.tm_min, theirs.tm_sec, theirs.tm_wday, theirs.tm_yday));
        ASSERT_EQ(timegm_(&mine), time);
    }
}

TEST_F(LibcTest, InternetAddresses)
{
    const auto pton = cell.function<int(int, const char *, void *)>("inet_pton");
    const auto ntop =
        cell.function<const char *(int, const void *, char *, socklen_t)>("inet_ntop");
    for (int round = 0; round < 5'000; round++) {
        in6_addr address{};
        for (auto &byte : address.s6_addr)
            byte = random() % 3 == 0 ? static_cast<unsigned char>(random()) : 0;
        char mine[64] = {};
        ASSERT_NE(ntop(AF_INET, &address, mine, sizeof mine), nullptr);
        char theirs[64] = {};
        inet_ntop(AF_INET, &address, theirs, sizeof theirs);
        ASSERT_STREQ(mine, theirs);
        inet_ntop(AF_INET6, &address, theirs, sizeof theirs);
        in6_addr parsed{};
        ASSERT_EQ(pton(AF_INET6, theirs, &parsed), 1) << theirs;
        ASSERT_EQ(std::memcmp(&parsed, &address, sizeof parsed), 0);
        const std::string malformed = text(12, "12:.f");
        ASSERT_EQ(pton(AF_INET, malformed.c_str(), &parsed),
                  inet_pton(AF_INET, malformed.c_str(), &parsed))
            << malformed;
    }
}

} // namespace
} // namespace sbm::test
