// SPDX-License-Identifier: Apache-2.0
#include "call/cell.hpp"

#include "base/checked.hpp"

#include <cstring>

namespace cell::call {

Result<std::shared_ptr<backend::Host>> find_host(sbm_level level)
{
    return level == SBM_LEVEL_VM ? backend::find_vm() : backend::find_process();
}

Result<std::unique_ptr<Cell>> Cell::start(image::CellImage image,
                                          std::unique_ptr<backend::Backend> backend, Arena &arena)
{
    std::unique_ptr<Cell> cell(new Cell(std::move(image), std::move(backend), arena));
    CELL_CHECK(cell->introduce_memory());
    CELL_CHECK(cell->backend_->start(cell->image_));
    return cell;
}

Result<void> Cell::introduce_memory()
{
    for (; chunks_known_ < arena_.chunks().size(); chunks_known_++) {
        const image::Region &chunk = arena_.chunks()[chunks_known_];
        // Modules lie at addresses of their own, which are usually nobody's.
        for (const image::Region &region : image_.regions())
            if (chunk.address < region.address + region.size &&
                region.address < chunk.address + chunk.size)
                return error(Errc::no_memory, "the program has memory where the cell has its own");
        CELL_CHECK(backend_->add_memory(chunk));
    }
    return {};
}

Result<void> Cell::introduce()
{
    CELL_CHECK(introduce_memory());
    for (; grants_known_ < arena_.grants().size(); grants_known_++) {
        const Grant &grant = arena_.grants()[grants_known_];
        CELL_CHECK(backend_->protect(grant.address, grant.size, grant.protection));
    }
    return {};
}

Result<long> Cell::call(std::uint64_t function, const void *data, std::size_t size,
                        const backend::Limits &limits, std::optional<FaultRecord> &fault)
{
    auto argument = reinterpret_cast<std::uint64_t>(data);
    struct Large { // released however this ends
        Arena &arena;
        std::optional<std::uint32_t> slot;
        ~Large()
        {
            if (slot)
                arena.release(*slot);
        }
    } large{arena_, std::nullopt};
    if (size > kPage) {
        CELL_TRY(large.slot, arena_.acquire(size, 64, Access::read, GuardAt::start, true));
        argument = arena_.slot(*large.slot).data;
        std::memcpy(Arena::host(argument), data, size);
    } else if (size > 0) {
        argument = image_.arguments_address();
        std::memcpy(image_.arguments(), data, size);
    }
    return run(function, argument, limits, fault);
}

Result<long> Cell::run(std::uint64_t function, std::uint64_t argument,
                       const backend::Limits &limits, std::optional<FaultRecord> &fault)
{
    if (stale_)
        return error(Errc::misuse, "the cell was aborted and not reset");
    CELL_CHECK(introduce());
    touched_ = true;
    image_.prepare_call();
    backend::Exit exit = backend_->call(function, argument, limits);
    while (const auto *call = std::get_if<backend::HostCall>(&exit)) {
        const auto served = serve_host_call(*call, image_, arena_, imports_);
        if (!served) {
            halt();
            fault = FaultRecord{.kind = SBM_FAULT_HOST_CALL,
                                .access = SBM_ACCESS_NONE,
                                .address = call->proxy,
                                .registers = std::nullopt,
                                .detail = served.error().text()};
            return error(Errc::fault, "refused host call: %s", served.error().text());
        }
        exit = backend_->resume(*served);
    }
    if (const auto *returned = std::get_if<backend::Returned>(&exit))
        return static_cast<long>(returned->value);
    stale_ = true;
    fault = classify(exit, &image_);
    const auto *timed_out = std::get_if<backend::TimedOut>(&exit);
    const Errc code = !timed_out                                      ? Errc::fault
                      : timed_out->limit == backend::Limit::cancelled ? Errc::cancelled
                                                                      : Errc::timed_out;
    return error(code, "the call was aborted: %s", fault->summary().c_str());
}

void Cell::halt()
{
    stale_ = true; // unless all of a reset succeeds
    if (touched_)
        backend_->halt();
}

Result<void> Cell::restart()
{
    if (touched_) {
        image_.restore();
        CELL_CHECK(backend_->restart());
    }
    stale_ = touched_ = false;
    return {};
}

} // namespace cell::call
