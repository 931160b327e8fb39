// SPDX-License-Identifier: Apache-2.0
//
// In the cell: packs a result as packed_types.hpp says, and keeps it.
#pragma once

#include "modules/codec_types.hpp"
#include "modules/packed_types.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace sbm::modules {

class Packer {
public:
    void begin_item() { size_.items++; }
    void byte(std::uint8_t value) { append(&value, sizeof value); }
    void number(std::uint32_t value) { append(&value, sizeof value); }
    void number(std::uint64_t value) { append(&value, sizeof value); }
    void text(std::string_view value)
    {
        number(static_cast<std::uint32_t>(value.size()));
        append(value.data(), value.size());
    }

    PackedSize size() const { return size_; }

    int take(std::uint64_t offset, Out<std::byte> part) const
    {
        if (offset > size_.bytes || part.size() > size_.bytes - offset)
            return kRefused;
        for (std::size_t done = 0; done < part.size();) {
            const std::size_t place = (offset + done) % kChunk;
            const std::size_t count = std::min(part.size() - done, kChunk - place);
            std::memcpy(part.data() + done, chunks_[(offset + done) / kChunk]->data() + place,
                        count);
            done += count;
        }
        return 0;
    }

private:
    // Chunks, since a row that grows would need the cell's memory three times over.
    static constexpr std::size_t kChunk = 65536;
    using Chunk = std::array<std::byte, kChunk>;

    void append(const void *data, std::size_t size)
    {
        const auto *from = static_cast<const std::byte *>(data);
        while (size != 0) {
            const std::size_t place = size_.bytes % kChunk;
            if (place == 0)
                chunks_.push_back(std::make_unique_for_overwrite<Chunk>());
            const std::size_t count = std::min(size, kChunk - place);
            std::memcpy(chunks_.back()->data() + place, from, count);
            size_.bytes += count;
            from += count;
            size -= count;
        }
    }

    std::vector<std::unique_ptr<Chunk>> chunks_;
    PackedSize size_{};
};

} // namespace sbm::modules
