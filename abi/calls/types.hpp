// SPDX-License-Identifier: Apache-2.0
//
// What a system call of an app is made of. A call has a number, a name, a result and named
// parameters, and carries values, handles and ranges of regions: never an address. Everything
// that knows calls derives from the table in calls.hpp: the cell's stubs, the host's dispatch,
// names in policies and messages, and the reference page.
//
// Included by host and guest, so freestanding C++.
#ifndef SBM_ABI_CALLS_TYPES_HPP
#define SBM_ABI_CALLS_TYPES_HPP

#include "abi/mailbox.h"

#include <cstddef>
#include <cstdint>

namespace sbm::calls {

// How a call ended. Numbers stay; 16 are room enough.
enum class Status : std::int32_t {
    ok = 0,
    denied = 1,        // the policy does not allow it
    not_found = 2,     // there is no such file, argument or call
    exists = 3,        // there is such a file already
    invalid = 4,       // an argument means nothing
    wrong_region = 5,  // no such region, or one of other elements
    out_of_range = 6,  // the range leaves its region
    wrong_handle = 7,  // no such handle any more, or of another kind
    no_right = 8,      // the handle does not have the right
    quota = 9,         // the policy allows no more bytes, files, handles or calls
    no_space = 10,     // the disk is full
    no_memory = 11,
    failed = 12,       // the device failed
    would_wait = 13,   // there is nothing yet, or no room yet: event.wait tells when
    unreachable = 14,  // the peer cannot be reached, refused, or went away
};
inline constexpr std::int32_t kStatuses = 15;

// Elements of a region, and their size in bytes.
enum class Element : std::uint32_t { u8 = 1, u16 = 2, u32 = 3, u64 = 4, i16 = 5, f32 = 6 };
constexpr std::size_t size_of(Element element)
{
    switch (element) {
    case Element::u8:
        return 1;
    case Element::u16:
    case Element::i16:
        return 2;
    case Element::u32:
    case Element::f32:
        return 4;
    case Element::u64:
        return 8;
    }
    return 0; // none
}

// What a handle stands for, and what it lets one do.
enum class Kind : std::uint8_t { file = 1, timer = 2, socket = 3, listener = 4, ping = 5 };
enum class Right : std::uint8_t { none = 0, read = 1, write = 2 };

// What a socket speaks.
enum class Transport : std::uint64_t { tcp = 1, udp = 2 };

// What event.wait can wait for, in an entry of two words: a handle and these bits. What it
// tells is the same; of a timer the second word is how often it went off since it was told.
inline constexpr std::uint64_t kReadable = 1, kWritable = 2;

// Parameters, and how many words of a frame they take. `Number` is any unsigned value.
struct Number {
    using Value = std::uint64_t;
    static constexpr std::size_t words = 1;
};
template <Kind K, Right R> struct Handle {
    using Value = std::uint64_t;
    static constexpr std::size_t words = 1;
    static constexpr Kind kind = K;
    static constexpr Right right = R;
};
// The region that an app has from its start: its heap, in bytes.
inline constexpr std::uint64_t kHeap = 1;

// A range of elements that the system reads, or fills.
struct Range {
    std::uint64_t region, offset, count; // the latter two in elements
};
template <Element E> struct Input {
    using Value = Range;
    static constexpr std::size_t words = 3;
    static constexpr Element element = E;
};
// Bytes that the system passes on without a look at them.
struct Payload {
    using Value = Range;
    static constexpr std::size_t words = 3;
    static constexpr Element element = Element::u8;
};
template <Element E> struct Output {
    using Value = Range;
    static constexpr std::size_t words = 3;
    static constexpr Element element = E;
};

template <std::size_t N> struct Text {
    char characters[N]{};
    constexpr Text(const char (&text)[N])
    {
        for (std::size_t i = 0; i < N; i++)
            characters[i] = text[i];
    }
};

template <Text Name, class Type> struct Parameter {
    using type = Type;
    static constexpr const char *name = Name.characters;
};

// One system call. `Results` words come back: 0, 1 or 2.
template <std::uint16_t Number_, Text Name, std::size_t Results, class... Parameters> struct Call {
    static constexpr std::uint16_t number = Number_;
    static constexpr const char *name = Name.characters;
    static constexpr std::size_t results = Results;
    static constexpr std::size_t words = (Parameters::type::words + ... + 0);
    static_assert(Results <= 2 && words <= SBM_FRAME_WORDS);
};

template <class... C> struct List {
    static constexpr std::size_t size = sizeof...(C);
};

} // namespace sbm::calls

#endif
