// SPDX-License-Identifier: Apache-2.0
//
// What the parts of the hostile app share: typed calls made by hand, past the C library, and the
// app's own account of what it got.
#pragma once

#include "guest/module/system.hpp"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace attack {

using namespace sbm::calls;
using sbm::system::Results;

inline constexpr std::uint64_t kTcp = 1, kUdp = 2;
inline constexpr std::uint64_t kForever = UINT64_MAX;

// A region of the app's own, and where it sees the bytes.
struct Memory {
    std::uint64_t region = 0;
    char *bytes = nullptr;
};
inline Memory acquire(std::uint64_t count, Element element = Element::u8)
{
    Results results;
    if (sbm::system::call<MemoryAcquire>(results, element, count) != Status::ok)
        return {};
    return {results.words[0], reinterpret_cast<char *>(results.words[1])};
}

// For paths and names: 64 KiB, of which the second half is for data.
inline constexpr std::uint64_t kRoom = 65536, kData = 32768;
const Memory &room();

// A call whose path or name stands between its other words.
template <class C, class... Words>
Status on(Results &results, std::string_view name, Words... after)
{
    std::memcpy(room().bytes, name.data(), name.size());
    return sbm::system::call<C>(results, room().region, 0, name.size(), after...);
}
template <class C, class... Words> Status on(std::string_view name, Words... after)
{
    Results unused;
    return on<C>(unused, name, after...);
}
template <class C> Status with(Results &results, std::uint64_t first, std::string_view name)
{
    std::memcpy(room().bytes, name.data(), name.size());
    return sbm::system::call<C>(results, first, room().region, 0, name.size());
}

inline Status open(std::uint64_t &file, std::string_view path, std::uint64_t rights)
{
    Results results;
    const Status status = on<FileOpen>(results, path, rights);
    file = status == Status::ok ? results.words[0] : 0;
    return status;
}
inline Status write(std::uint64_t file, std::uint64_t position, std::string_view text)
{
    std::memcpy(room().bytes + kData, text.data(), text.size());
    return sbm::system::call<FileWrite>(file, position, room().region, kData, text.size());
}
inline std::string read(std::uint64_t file, std::uint64_t size = 100)
{
    Results results;
    if (sbm::system::call<FileRead>(results, file, 0, room().region, kData, size) != Status::ok)
        return "(not read)";
    return {room().bytes + kData, results.words[0]};
}
inline Status connect(std::uint64_t &socket, std::string_view name, std::uint64_t by = kTcp)
{
    Results results;
    const Status status = with<NetConnect>(results, by, name);
    socket = status == Status::ok ? results.words[0] : 0;
    return status;
}

// What the app got, against what it should get; each difference is a line of standard error.
void expect(bool holds, const std::string &what);
void expect(Status got, Status wanted, const std::string &what);
void expect_one_of(Status got, std::initializer_list<Status> wanted, const std::string &what);
std::string printable(std::string_view text);
int failures();

// The attacks: each by a name, with an argument that may be empty.
void paths(const std::string &argument);
void links(const std::string &argument);
void swaps(const std::string &seconds);
void rights(const std::string &argument);
void offsets(const std::string &argument);
void handles(const std::string &argument);
void many_handles(const std::string &argument);
void corners(const std::string &argument);
void regions(const std::string &argument);
void leftovers(const std::string &argument);
void flood(const std::string &argument);
void names(const std::string &allowed);
void answers(const std::string &name);
void twice(const std::string &name);
void elsewhere(const std::string &argument);
void waits(const std::string &name);
void mailbox(const std::string &what);
void linux_calls(const std::string &argument);
void fill(const std::string &argument);
void folder_goes(const std::string &argument);
void short_run(const std::string &argument);
void frames(const std::string &seed_and_seconds);

} // namespace attack
