// SPDX-License-Identifier: Apache-2.0
//
// What engines of the strong levels have in common: buffers come from an arena.
#pragma once

#include "call/engine.hpp"

#include <optional>
#include <utility>

namespace cell::call {

class ArenaEngine : public Engine {
public:
    ArenaEngine(sbm_level level, GuardAt guard) : level_(level), guard_(guard) {}

    sbm_level level() const override { return level_; }

    Result<Buffer> acquire(const BufferRequest &request) override
    {
        CELL_TRY(const std::uint32_t number,
                 arena_.acquire(request.size, request.alignment, request.access, guard_,
                                request.filled));
        std::byte *host = Arena::host(arena_.slot(number).data);
        return Buffer{number, host, host};
    }
    Result<void> require(std::uint32_t buffer, Access access) override
    {
        return arena_.require(buffer, access);
    }
    void release(std::uint32_t buffer) override { arena_.release(buffer); }
    bool is_intact(std::uint32_t buffer) const override { return arena_.is_intact(buffer); }

    std::optional<FaultRecord> take_fault() override { return std::exchange(fault_, std::nullopt); }

protected:
    Arena arena_;                      // outlives the cells that see it
    std::optional<FaultRecord> fault_; // of the last call

private:
    const sbm_level level_;
    const GuardAt guard_;
};

} // namespace cell::call
