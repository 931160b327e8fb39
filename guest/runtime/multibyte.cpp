// SPDX-License-Identifier: Apache-2.0
//
// Conversion between UTF-8 (RFC 3629) and wide characters. A cell has one locale,
// C.UTF-8; the C library's own functions would ask the current thread for it.
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

namespace {

constexpr size_t kIncomplete = static_cast<size_t>(-2);
constexpr size_t kInvalid = static_cast<size_t>(-1);
constexpr unsigned kLongest = 4;

// How many bytes a character takes, by its first byte; 0 if none begins so.
unsigned length_of(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

// May `second` follow `first`? This is where overlong forms, surrogates and
// values beyond U+10FFFF are refused.
bool may_follow(unsigned char first, unsigned char second)
{
    const unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= least && second <= most;
}

// The number of bytes of the character at the start of `bytes`, kIncomplete or
// kInvalid. `count` is at least 1.
size_t decode(const unsigned char *bytes, size_t count, wchar_t *character)
{
    const unsigned length = length_of(bytes[0]);
    if (length == 0)
        return kInvalid;
    uint32_t value = length == 1 ? bytes[0] : bytes[0] & (0x7fU >> length);
    for (unsigned i = 1; i < length; i++) {
        if (i == count)
            return kIncomplete;
        if (i == 1 ? !may_follow(bytes[0], bytes[1]) : (bytes[i] & 0xc0) != 0x80)
            return kInvalid;
        value = value << 6 | (bytes[i] & 0x3fU);
    }
    *character = static_cast<wchar_t>(value);
    return length;
}

// An unfinished character in an mbstate_t. The first word is zero in the initial
// state, for glibc's mbsinit and for the C library's alike.
struct Pending {
    uint32_t count;
    unsigned char bytes[kLongest];
};
static_assert(sizeof(Pending) == sizeof(mbstate_t));

size_t illegal()
{
    errno = EILSEQ;
    return kInvalid;
}

} // namespace

extern "C" {

size_t __ctype_get_mb_cur_max() noexcept
{
    return kLongest;
}

size_t mbrtowc(wchar_t *to, const char *from, size_t size, mbstate_t *state) noexcept
{
    static mbstate_t internal_state;
    if (from == nullptr)
        return mbrtowc(nullptr, "", 1, state);
    if (state == nullptr)
        state = &internal_state;
    Pending pending;
    memcpy(&pending, state, sizeof pending);
    if (pending.count >= kLongest)
        pending.count = 0;
    // Byte by byte: nothing behind the character may be read.
    size_t taken = 0;
    size_t length = kIncomplete;
    wchar_t character = 0;
    while (length == kIncomplete && taken < size) {
        pending.bytes[pending.count++] = static_cast<unsigned char>(from[taken++]);
        length = decode(pending.bytes, pending.count, &character);
    }
    if (length != kIncomplete)
        pending = {};
    memcpy(state, &pending, sizeof pending);
    if (length == kInvalid)
        return illegal();
    if (length == kIncomplete)
        return kIncomplete;
    if (to != nullptr)
        *to = character;
    return character != 0 ? taken : 0;
}

int mbtowc(wchar_t *to, const char *from, size_t size) noexcept
{
    if (from == nullptr)
        return 0; // UTF-8 has no shift state
    wchar_t character = 0;
    const size_t length =
        size != 0 ? decode(reinterpret_cast<const unsigned char *>(from), size, &character)
                  : kIncomplete;
    if (length > kLongest)
        return static_cast<int>(illegal());
    if (to != nullptr)
        *to = character;
    return character != 0 ? static_cast<int>(length) : 0;
}

size_t wcrtomb(char *to, wchar_t character, mbstate_t *) noexcept
{
    if (to == nullptr)
        return 1;
    const auto value = static_cast<uint32_t>(character);
    if (value < 0x80) {
        *to = static_cast<char>(value);
        return 1;
    }
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return illegal();
    const unsigned length = value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
    const uint32_t lead = 0xf00U >> length & 0xffU; // `length` ones and a zero
    for (unsigned i = 0; i < length; i++) {
        const uint32_t bits = value >> (6 * (length - 1 - i));
        to[i] = static_cast<char>(i == 0 ? lead | bits : 0x80U | (bits & 0x3fU));
    }
    return length;
}

int wctomb(char *to, wchar_t character) noexcept
{
    return to != nullptr ? static_cast<int>(wcrtomb(to, character, nullptr)) : 0;
}

// glibc's headers define these two inline, so the names are given to others.
wint_t __sbm_btowc(int byte) noexcept __asm__("btowc");
int __sbm_wctob(wint_t character) noexcept __asm__("wctob");

wint_t __sbm_btowc(int byte) noexcept
{
    return byte >= 0 && byte < 0x80 ? static_cast<wint_t>(byte) : WEOF;
}

int __sbm_wctob(wint_t character) noexcept
{
    return character < 0x80 ? static_cast<int>(character) : EOF;
}

// With `to` null only counts, and leaves `*from` and the state alone.
size_t mbsrtowcs(wchar_t *to, const char **from, size_t size, mbstate_t *state) noexcept
{
    static mbstate_t internal_state;
    mbstate_t copy = state != nullptr ? *state : internal_state;
    mbstate_t *used = to == nullptr ? &copy : state != nullptr ? state : &internal_state;
    const char *next = *from;
    for (size_t count = 0; to == nullptr || count < size; count++) {
        wchar_t character = 0;
        const size_t length = mbrtowc(&character, next, kLongest, used);
        if (to != nullptr && length == kInvalid)
            *from = next;
        if (length == kInvalid)
            return kInvalid;
        if (to != nullptr)
            to[count] = character;
        if (length == 0) {
            if (to != nullptr)
                *from = nullptr;
            return count;
        }
        next += length;
    }
    *from = next;
    return size;
}

} // extern "C"
