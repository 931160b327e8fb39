// SPDX-License-Identifier: Apache-2.0
//
// System calls of an app: bytes become frames, one after the other, on files in memory. Each
// is answered by a documented status, nothing outside of a region changes, and no more handles
// are open than allowed.
#include "input.hpp"

#include "system/net/memory_network.hpp"
#include "system/system.hpp"
#include "system/test_time.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace {

using namespace sbm::calls;

constexpr std::size_t kGuard = 64;
constexpr std::byte kMark{0xa5};

// Regions with marks around them.
class MarkedMemory final : public cell::system::Memory {
public:
    std::optional<Piece> acquire(std::uint64_t bytes) override
    {
        auto &piece = pieces_.emplace_back(bytes + 2 * kGuard, kMark);
        std::memset(piece.data() + kGuard, 0, bytes);
        return Piece{static_cast<std::uint32_t>(pieces_.size() - 1),
                     reinterpret_cast<std::uint64_t>(piece.data() + kGuard), piece.data() + kGuard};
    }
    void release(std::uint32_t name) noexcept override
    {
        check(pieces_[name]);
        pieces_[name].clear();
    }
    ~MarkedMemory() override
    {
        for (const auto &piece : pieces_)
            if (!piece.empty())
                check(piece);
    }

private:
    static void check(const std::vector<std::byte> &piece) noexcept
    {
        for (std::size_t i = 0; i < kGuard; i++)
            fuzz::require(piece[i] == kMark && piece[piece.size() - 1 - i] == kMark,
                          "a byte outside of a region");
    }
    std::vector<std::vector<std::byte>> pieces_;
};

template <class... C> std::uint16_t number_of(List<C...>, std::size_t index)
{
    const std::uint16_t numbers[] = {C::number...};
    return numbers[index % std::size(numbers)];
}

// Small numbers are what frames usually hold.
std::uint64_t word_of(std::uint8_t octet)
{
    constexpr std::uint64_t kLarge[] = {
        4095,       4096,          65535,     65536,
        1 << 20,    (1 << 20) + 1, INT64_MAX, std::uint64_t{1} << 63,
        UINT64_MAX, UINT32_MAX};
    return octet < 246 ? octet : kLarge[octet - 246];
}

// Names that may be connected to: one that leads somewhere, and one that must not.
void add_network(cell::system::NetworkGrant &grant)
{
    namespace net = cell::system::net;
    auto network = std::make_unique<net::MemoryNetwork>();
    network->add_name("a.example", {*net::parse_address("8.8.8.8")});
    network->add_name("b.example", {*net::parse_address("127.0.0.1")});
    network->lookup_delay = 1;
    grant.network = std::move(network);
    const char *why = nullptr;
    for (const char *text : {"a.example:80", "b.example:80", "8.8.8.8:80", "udp:8.8.8.8:80"}) {
        grant.rules.connect.push_back(*net::parse_rule(text, why));
        grant.rules.listen.push_back(*net::parse_rule(text, why));
        grant.rules.ping.push_back(*net::parse_rule(text, why));
    }
    grant.bytes_left = 1000;
    grant.connections_left = 20;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    constexpr std::size_t kHandles = 8, kFrame = 1 + SBM_FRAME_WORDS;
    cell::system::Services services;
    services.handles = kHandles;
    services.region_bytes = 1 << 18;
    services.arguments = {"app", "argument"};
    services.random = [](std::span<std::byte> bytes) {
        std::fill(bytes.begin(), bytes.end(), std::byte{7});
        return true;
    };
    services.roots.push_back(
        {"a", cell::system::make_memory_folder(), true, true, true, true, 1 << 16, 4});
    services.roots.push_back({"b", cell::system::make_memory_folder(), true, false, false, false});
    add_network(services.network);
    services.time = std::make_unique<cell::system::TestTime>();
    cell::system::System system(std::move(services));
    system.attach(std::make_unique<MarkedMemory>());
    sbm_frame first{};
    first.number = MemoryAcquire::number;
    first.words[0] = 1;
    first.words[1] = 4096;
    system.answer(first);
    // Paths and names that lead somewhere, and some that do not.
    auto *text = reinterpret_cast<char *>(first.words[1]);
    std::memcpy(text, "a/file/b/file/../c", 18);
    std::memcpy(text + 32, "a.example:80", 12);
    std::memcpy(text + 64, "8.8.8.8:80", 10);
    std::memcpy(text + 96, "b.example:80", 12);
    first.words[0] = 4; // the interest of event.wait: handles, in the order that they come
    first.words[1] = 64;
    system.answer(first);
    for (std::uint64_t i = 0; i < 16; i++) {
        reinterpret_cast<std::uint64_t *>(first.words[1])[2 * i] = i + 1;
        reinterpret_cast<std::uint64_t *>(first.words[1])[2 * i + 1] = 3;
    }
    for (; size >= kFrame; data += kFrame, size -= kFrame) {
        sbm_frame frame{};
        frame.number = data[0] < 240 ? number_of(Table(), data[0]) : data[0];
        for (std::size_t i = 0; i < SBM_FRAME_WORDS; i++)
            frame.words[i] = word_of(data[1 + i]);
        const bool goes_on = system.answer(frame);
        fuzz::require(frame.status >= 0 && frame.status < kStatuses, "no documented status");
        fuzz::require(system.open_handles() <= kHandles, "too many handles");
        fuzz::require(goes_on || system.exit_status(), "ended, and did not exit");
        if (!goes_on)
            break;
    }
    return 0;
}
