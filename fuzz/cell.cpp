// SPDX-License-Identifier: Apache-2.0
//
// The image of the object in cell_proxies.c, and two buffers. See cell.hpp.
#include "cell.hpp"

#include "base/checked.hpp"
#include "cell_proxies.h"

#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace fuzz {
namespace {

// Larger than all that a proxy may be given.
constexpr std::uint64_t kHeap = std::uint64_t{20} << 20;
const char host_memory[64] = "not for cells";

} // namespace

Cell &Cell::instance()
{
    static Cell only = [] {
        const auto object =
            cell::image::find_object(reinterpret_cast<std::uint64_t>(&fuzz_cell_function));
        require(bool{object}, "no object");
        auto image =
            cell::image::CellImage::build(*object, {.memory = kHeap, .stack = cell::kPage});
        require(bool{image}, "no image");
        return Cell(std::move(*image));
    }();
    return only;
}

Cell::Cell(cell::image::CellImage image) : image_(std::move(image))
{
    using cell::call::Access;
    using cell::call::GuardAt;
    const auto readable = arena_.acquire(kBuffer, 8, Access::read, GuardAt::end, false);
    const auto writable = arena_.acquire(kBuffer, 8, Access::write, GuardAt::end, false);
    require(readable && writable, "no buffers");
    readable_ = *readable;
    writable_ = *writable;
    const auto address_of = [](auto *pointer) { return reinterpret_cast<std::uint64_t>(pointer); };
    const cell::image::AddressRange proxies = image_.proxies();
    anchors_ = {0,
                UINT64_MAX,
                image_.arguments_address(),
                image_.stack_top(),
                image_.mailbox().heap_start,
                image_.mailbox_address(),
                image_.thread_pointer(),
                arena_.slot(readable_).data,
                arena_.slot(writable_).data,
                arena_.slot(writable_).data + kBuffer,
                proxies.start,
                proxies.start + proxies.size,
                address_of(&fuzz_cell_function),
                address_of(fuzz_cell_function()),
                address_of(&LLVMFuzzerTestOneInput),
                address_of(host_memory)};
    require(anchors_.size() == static_cast<std::size_t>(Anchor::count_), "other anchors");
    for (const cell::image::Region &region : image_.regions()) {
        anchors_.insert(anchors_.end(), {region.address, region.address + region.size});
        memory_.push_back(
            {region.address, {region.host, region.size}, (region.protection & PROT_WRITE) != 0});
    }
    for (const std::uint32_t number : {readable_, writable_}) {
        const cell::call::Slot &slot = arena_.slot(number);
        memory_.push_back({slot.address,
                           {cell::call::Arena::host(slot.address), slot.pages * cell::kPage},
                           number == writable_});
    }
}

std::uint64_t Cell::address(Input &input) const
{
    const std::uint64_t anchor = anchors_[input.octet() % anchors_.size()];
    const auto distance = static_cast<std::int16_t>(input.half());
    return anchor + static_cast<std::uint64_t>(std::int64_t{distance});
}

void Cell::restore()
{
    if (!image_.restore())
        std::abort();
    std::memset(image_.arguments(), 0, cell::kPage);
    for (const std::uint32_t number : {readable_, writable_}) {
        const cell::call::Slot &slot = arena_.slot(number);
        std::memset(cell::call::Arena::host(slot.address), 0, slot.pages * cell::kPage);
    }
}

} // namespace fuzz
