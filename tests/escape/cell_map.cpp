// SPDX-License-Identifier: Apache-2.0
#include "cell_map.hpp"

#include <algorithm>
#include <cstring>
#include <link.h>
#include <random>

namespace escape {
namespace {

constexpr std::uint64_t kPage = 4096;
// Of a buffer chunk only the start is in use by these tests.
constexpr std::uint64_t kBufferPages = 48;

bool is_known(const std::vector<Mapping> &list, const Mapping &mapping)
{
    return std::any_of(list.begin(), list.end(),
                       [&](const Mapping &other) { return other.start == mapping.start; });
}

struct ObjectSearch {
    std::uint64_t address;
    Area area;
};

int search_object(dl_phdr_info *info, std::size_t, void *data)
{
    auto &search = *static_cast<ObjectSearch *>(data);
    Area area{UINT64_MAX, 0};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) &header = info->dlpi_phdr[i];
        if (header.p_type != PT_LOAD)
            continue;
        const std::uint64_t start = info->dlpi_addr + header.p_vaddr;
        area.start = std::min(area.start, start / kPage * kPage);
        area.end = std::max(area.end, (start + header.p_memsz + kPage - 1) / kPage * kPage);
    }
    if (area.contains(search.address))
        search.area = area;
    return 0;
}

} // namespace

std::vector<Area> CellPlaces::all() const
{
    std::vector<Area> list = buffers;
    list.push_back(object);
    list.push_back(window);
    return list;
}

Area object_at(const void *address)
{
    ObjectSearch search{reinterpret_cast<std::uint64_t>(address), {}};
    ::dl_iterate_phdr(search_object, &search);
    return search.area;
}

namespace {

constexpr std::uint64_t kLargePage = 2 << 20; // windows of modules begin at a multiple

CellPlaces places_of_module(Cell &cell)
{
    const attack_places said = cell.places();
    return {.object = {said.object, (said.object_end + kPage - 1) / kPage * kPage},
            .window = {said.mailbox / kLargePage * kLargePage, said.heap + said.heap_size},
            .mailbox = said.mailbox,
            .buffers = {}};
}

} // namespace

CellPlaces find_places(Cell &cell, const std::vector<Mapping> &before)
{
    EXPECT_TRUE(cell.works());
    CellPlaces places{object_at(attack_constant_address()), {}, {}, {}};
    if (cell.is_module())
        places = places_of_module(cell);
    for (const Mapping &mapping : mappings_of()) {
        if (is_known(before, mapping))
            continue;
        if (!cell.is_module() && mapping.name.find("memfd:sbm-cell") != std::string::npos) {
            places.window = {mapping.start, mapping.end};
            places.mailbox = cell.places().mailbox;
        }
        if (mapping.name.find("memfd:sbm-buffers") != std::string::npos)
            places.buffers.push_back(
                {mapping.start, std::min(mapping.end, mapping.start + kBufferPages * kPage)});
    }
    EXPECT_NE(places.window.start, 0U);
    return places;
}

std::vector<Area> reachable(Cell &cell, Area area, Right right)
{
    std::vector<Area> list;
    for (std::uint64_t page = area.start; page < area.end; page += kPage) {
        const Outcome outcome = right == Right::read ? cell.read(page) : cell.touch(page);
        if (outcome.faulted())
            continue;
        if (list.empty() || list.back().end != page)
            list.push_back({page, page});
        list.back().end += kPage;
    }
    return list;
}

namespace {

// The first place in [start, end) that the cell finds, or `end`.
std::uint64_t find_in_cell(Cell &cell, std::uint64_t start, std::uint64_t end, const Needle &needle)
{
    const attack_scan scan{start, end, needle.mask, needle.masked};
    std::uint64_t found = 0;
    const Outcome outcome = cell.run([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_scan, SBM_COPY_IN(sbm, &scan, sizeof scan),
                        SBM_COPY_OUT(sbm, &found, sizeof found));
    });
    EXPECT_FALSE(outcome.faulted()) << outcome;
    return outcome.value == 1 ? found : end;
}

} // namespace

std::size_t count_in_cell(Cell &cell, const std::vector<Area> &areas, const std::string &secret)
{
    const Needle needle(secret);
    std::size_t count = 0;
    for (const Area &area : areas)
        for (std::uint64_t at = area.start;
             (at = find_in_cell(cell, at, area.end, needle)) < area.end; at++)
            count++;
    return count;
}

std::string fresh_secret()
{
    std::random_device random;
    std::string secret;
    while (secret.size() < 64)
        secret += static_cast<char>('a' + random() % 26);
    return secret;
}

Needle::Needle(const std::string &secret) : mask(0xa5c3'96f0'5a3c'e187)
{
    std::memcpy(&masked, secret.data(), sizeof masked);
    masked ^= mask;
}

} // namespace escape
