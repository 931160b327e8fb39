// SPDX-License-Identifier: Apache-2.0
#include "image/cell_parts.hpp"

#include "base/checked.hpp"

#include <sys/mman.h>

namespace cell::image {

Result<os::Mapping> map_constants(std::span<const Region> regions)
{
    std::uint64_t total = 0;
    for (const Region &region : regions)
        total += region.shared ? 0 : region.size;
    if (total == 0)
        return error(Errc::misuse, "there is no code for the cell");
    CELL_TRY(os::Mapping view, os::reserve(total, kLargePage));
    std::byte *next = view.data();
    for (const Region &region : regions) {
        if (region.shared)
            continue;
        CELL_CHECK(
            os::map_over(next, region.size, PROT_READ, region.file, region.offset, MAP_PRIVATE));
        next += region.size;
    }
    return view;
}

void place_constants(std::span<Region> regions, const os::Mapping &view)
{
    std::byte *next = view.data();
    for (Region &region : regions) {
        if (region.shared)
            continue;
        region.host = next;
        next += region.size;
    }
}

std::byte *find_host(std::span<const Region> regions, std::uint64_t address, std::uint64_t size,
                     int protection)
{
    for (const Region &region : regions)
        if (contains(region.address, region.size, address, size) &&
            (region.protection & protection) == protection)
            return region.host + (address - region.address);
    return nullptr;
}

} // namespace cell::image
