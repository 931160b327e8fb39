// SPDX-License-Identifier: Apache-2.0
#include "system/regions.hpp"

#include "base/checked.hpp"

namespace cell::system {

Status Regions::acquire(std::uint64_t element, std::uint64_t count, Acquired &result)
{
    const std::size_t size = element <= UINT32_MAX ? size_of(static_cast<Element>(element)) : 0;
    if (size == 0 || count == 0)
        return Status::invalid;
    const auto bytes = checked_multiply(count, size);
    if (!bytes || *bytes > limit_ - used_)
        return Status::quota;
    const auto piece = memory_.acquire(*bytes);
    if (!piece)
        return Status::no_memory;
    regions_[next_] = {static_cast<Element>(element), count, *bytes, *piece};
    used_ += *bytes;
    result = {next_++, piece->address};
    return Status::ok;
}

Status Regions::release(std::uint64_t number)
{
    const auto at = regions_.find(number);
    if (at == regions_.end())
        return Status::wrong_region;
    used_ -= at->second.bytes;
    memory_.release(at->second.piece.name);
    regions_.erase(at);
    return Status::ok;
}

Status Regions::find(const Range &range, Element element, std::span<std::byte> &bytes) const
{
    if (range.region == sbm::calls::kHeap && !heap_.empty() && element == Element::u8) {
        if (!contains(0, heap_.size(), range.offset, range.count))
            return Status::out_of_range;
        bytes = heap_.subspan(range.offset, range.count);
        return Status::ok;
    }
    const auto at = regions_.find(range.region);
    if (at == regions_.end() || at->second.element != element)
        return Status::wrong_region;
    const Region &region = at->second;
    if (!contains(0, region.count, range.offset, range.count))
        return Status::out_of_range;
    const std::size_t size = size_of(element);
    bytes = {region.piece.host + range.offset * size, range.count * size};
    return Status::ok;
}

} // namespace cell::system
