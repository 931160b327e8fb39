// SPDX-License-Identifier: Apache-2.0
//
// A cell that calls proxies with anything at all. The input is which proxy, where
// its arguments are, and words for them: numbers, sizes, and addresses relative to
// places inside and outside of the cell. Refused or not, nothing may change but the
// outputs of a call that was served.
#include "cell.hpp"

#include "base/checked.hpp"
#include "call/host_call.hpp"
#include "cell_proxies.h"

#include <sbm/proxy.h>

#include <array>
#include <cstring>

namespace {

using fuzz::Anchor;
using fuzz::Cell;

constexpr std::size_t kWords = 16; // more than any of the argument structures has
using Words = std::array<std::uint64_t, kWords>;

// The proxies of the object, by name; then the end of the section that holds them.
std::vector<std::uint64_t> declared()
{
    std::vector<std::uint64_t> proxies;
    const std::uint64_t end = Cell::instance().address(Anchor::proxies_end);
    for (std::uint64_t at = Cell::instance().address(Anchor::proxies); at < end;
         at += sizeof(sbm_proxy))
        proxies.push_back(at);
    std::ranges::sort(proxies, {}, [](std::uint64_t at) {
        return std::string_view(reinterpret_cast<const sbm_proxy *>(at)->name);
    });
    proxies.push_back(end);
    return proxies;
}

bool in_cell(const void *data, std::size_t size)
{
    const auto address = reinterpret_cast<std::uint64_t>(data);
    for (const Cell::Memory &memory : Cell::instance().memory()) {
        const auto host = reinterpret_cast<std::uint64_t>(memory.bytes.data());
        if (address < host + memory.bytes.size() && host < address + size)
            return true;
    }
    return false;
}

std::uint64_t read_size(fuzz::Input &input)
{
    switch (input.octet() % 4) {
    case 0:
        return input.octet();
    case 1:
        return input.half();
    case 2:
        return SBM_PROXY_BYTES_MAX +
               static_cast<std::uint64_t>(std::int64_t{static_cast<std::int16_t>(input.half())});
    default:
        return input.number(8);
    }
}

Words read_words(fuzz::Input &input)
{
    Words words{};
    for (std::uint64_t &word : words) {
        const unsigned kind = input.octet() % 3;
        word = kind == 0   ? Cell::instance().address(input)
               : kind == 1 ? read_size(input)
                           : input.number(8);
    }
    return words;
}

// The host's view of [address, address + size) if the cell has all of it in one piece.
std::byte *find(std::uint64_t address, std::uint64_t size, bool writable)
{
    for (const Cell::Memory &memory : Cell::instance().memory())
        if (cell::contains(memory.address, memory.bytes.size(), address, size) &&
            (memory.writable || !writable))
            return &memory.bytes[0] + (address - memory.address);
    return nullptr;
}

// Writes the arguments where the call says that they are, if a cell could.
void place_arguments(std::uint64_t address, const Words &words)
{
    std::memcpy(Cell::instance().image().arguments(), words.data(), sizeof words);
    for (std::size_t i = 0; i < kWords; i++)
        if (std::byte *word = find(address + i * sizeof words[i], sizeof words[i], true))
            std::memcpy(word, &words[i], sizeof words[i]);
}

// The memory of the cell before a call, of each piece the start: reading all of an
// empty heap would fill it.
class Snapshot {
public:
    Snapshot()
    {
        for (const Cell::Memory &memory : Cell::instance().memory()) {
            const auto bytes = memory.bytes.first(std::min(memory.bytes.size(), kMost));
            pieces_.push_back({memory.address, bytes, {bytes.begin(), bytes.end()}});
        }
    }

    // Takes over what the call was allowed to change.
    void allow(std::uint64_t address, std::uint64_t size)
    {
        for (Piece &piece : pieces_) {
            if (!cell::contains(piece.address, piece.now.size(), address, 1))
                continue;
            const std::uint64_t at = address - piece.address;
            const auto now = piece.now.subspan(at, std::min(size, piece.now.size() - at));
            std::ranges::copy(now, piece.before.begin() + static_cast<std::ptrdiff_t>(at));
        }
    }

    bool is_unchanged() const
    {
        return std::ranges::all_of(pieces_, [](const Piece &piece) {
            return std::memcmp(piece.before.data(), piece.now.data(), piece.now.size()) == 0;
        });
    }

private:
    static constexpr std::size_t kMost = 16384;
    struct Piece {
        std::uint64_t address;
        std::span<const std::byte> now;
        std::vector<std::byte> before;
    };
    std::vector<Piece> pieces_;
};

// Was it right to serve the call? If so, its outputs may have changed.
void check_served(const cell::backend::HostCall &call, const Words &arguments, Snapshot &snapshot)
{
    const std::uint64_t first = Cell::instance().address(Anchor::proxies);
    fuzz::require(call.proxy >= first &&
                      call.proxy < Cell::instance().address(Anchor::proxies_end) &&
                      (call.proxy - first) % sizeof(sbm_proxy) == 0,
                  "what is no proxy was called");
    const sbm_proxy &proxy = *reinterpret_cast<const sbm_proxy *>(call.proxy);
    fuzz::require(find(call.arguments, proxy.size, false), "arguments outside of the cell");
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < proxy.count; i++) {
        if (proxy.fields[i].kind == SBM_FIELD_VALUE)
            continue;
        const std::uint64_t address = arguments.at(proxy.fields[i].offset / sizeof address);
        const std::uint64_t size = arguments.at(proxy.fields[i].offset / sizeof address + 1);
        const bool output = proxy.fields[i].kind != SBM_FIELD_IN;
        fuzz::require(size == 0 || find(address, size, output), "a buffer outside of the cell");
        fuzz::require(size <= SBM_PROXY_BYTES_MAX - total, "more bytes than may travel");
        total += size;
        if (output)
            snapshot.allow(address, size);
    }
}

} // namespace

long fuzz_read(const void *data, size_t size)
{
    fuzz::require(!in_cell(data, size), "a proxy got memory of the cell");
    long sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += static_cast<const unsigned char *>(data)[i];
    return sum;
}

long fuzz_change(void *data, size_t size)
{
    const long sum = fuzz_read(data, size);
    for (size_t i = 0; i < size; i++)
        static_cast<unsigned char *>(data)[i] ^= 0xa5;
    return sum;
}

long fuzz_write(void *data, size_t size)
{
    fuzz::require(fuzz_change(data, size) == 0, "an output was not zero");
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    fuzz::Input input(data, size);
    Cell &cell = Cell::instance();
    cell::backend::HostCall call{};
    static const std::vector<std::uint64_t> proxies = declared();
    const unsigned which = input.octet();
    call.proxy = which < 128 ? proxies[which % proxies.size()] : cell.address(input);
    call.arguments = input.octet() < 128 ? cell.address(Anchor::arguments) : cell.address(input);
    place_arguments(call.arguments, read_words(input));
    Words arguments{};
    for (std::size_t i = 0; i < kWords; i++)
        if (const std::byte *word = find(call.arguments + i * sizeof arguments[i], 8, false))
            std::memcpy(&arguments[i], word, sizeof arguments[i]);

    Snapshot snapshot;
    const auto served = cell::call::serve_host_call(call, cell.image(), cell.arena(), nullptr);
    if (served)
        check_served(call, arguments, snapshot);
    fuzz::require(snapshot.is_unchanged(), "something else than an output was changed");
    fuzz::require(served || fuzz::is_plain(served.error().text()), "a control character");
    cell.restore();
    return 0;
}
