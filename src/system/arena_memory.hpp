// SPDX-License-Identifier: Apache-2.0
//
// Regions in the buffers of a cell: each between guard pages.
#pragma once

#include "call/arena.hpp"
#include "system/regions.hpp"

#include <memory>

namespace cell::system {

class ArenaMemory final : public Memory {
public:
    // Regions are acquired while the app runs.
    static Result<std::unique_ptr<Memory>> create(call::Arena &arena)
    {
        CELL_CHECK(arena.seal());
        return std::unique_ptr<Memory>(new ArenaMemory(arena));
    }

    std::optional<Piece> acquire(std::uint64_t bytes) override
    {
        constexpr std::uint64_t kAlignment = 64;
        const auto slot =
            arena_.acquire(bytes, kAlignment, call::Access::write, call::GuardAt::end, false);
        if (!slot)
            return std::nullopt;
        const std::uint64_t address = arena_.slot(*slot).data;
        return Piece{*slot, address, call::Arena::host(address)};
    }
    void release(std::uint32_t name) noexcept override { arena_.release(name); }

private:
    explicit ArenaMemory(call::Arena &arena) : arena_(arena) {}
    call::Arena &arena_;
};

} // namespace cell::system
