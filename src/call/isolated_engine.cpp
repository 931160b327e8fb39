// SPDX-License-Identifier: Apache-2.0
//
// Levels `process` and `vm`: the function runs in a cell made from the image of
// the object that contains it. One cell an object, made at its first call.
#include "call/engine.hpp"
#include "call/host_call.hpp"

#include "base/checked.hpp"

#include <cinttypes>
#include <cstring>
#include <vector>

namespace cell::call {
namespace {

struct ObjectCell {
    explicit ObjectCell(image::CellImage made) : image(std::move(made)) {}
    image::CellImage image;
    std::unique_ptr<backend::Backend> backend;
    std::size_t chunks_known = 0, grants_known = 0;
    bool stale = false; // an aborted call left it as it is
};

class IsolatedEngine final : public Engine {
public:
    IsolatedEngine(sbm_level level, const EngineOptions &options) : level_(level), options_(options)
    {
    }

    // Opens the backend of the first cell, so that what is missing is known early.
    Result<void> open()
    {
        CELL_TRY(spare_, open_backend());
        return {};
    }

    sbm_level level() const override { return level_; }

    Result<Buffer> acquire(const BufferRequest &request) override
    {
        CELL_TRY(const std::uint32_t number,
                 arena_.acquire(request.size, request.alignment, request.access, options_.guard,
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

    Result<long> call(Function function, const void *data, std::size_t size) override
    {
        CELL_TRY(ObjectCell * cell, cell_for(reinterpret_cast<std::uint64_t>(function)));
        last_ = cell;
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
            argument = cell->image.arguments_address();
            std::memcpy(cell->image.arguments(), data, size);
        }
        return run(*cell, function_, argument);
    }

    std::optional<FaultRecord> take_fault() override { return std::exchange(fault_, std::nullopt); }

    const image::CellImage *image() const override { return last_ ? &last_->image : nullptr; }

    Result<void> reset() override
    {
        for (const auto &cell : cells_) {
            cell->stale = true; // unless all of this succeeds
            cell->backend->halt();
        }
        arena_.reset();
        for (const auto &cell : cells_) {
            cell->image.restore();
            CELL_CHECK(cell->backend->restart());
            cell->stale = false;
        }
        return {};
    }

    void abandon() override
    {
        if (spare_)
            spare_->abandon();
        for (const auto &cell : cells_)
            cell->backend->abandon();
    }

private:
    Result<std::unique_ptr<backend::Backend>> open_backend() const
    {
        return level_ == SBM_LEVEL_VM ? backend::open_vm() : backend::open_process();
    }

    // The cell of the object that holds `function`; `function_` is then where the
    // function really is.
    Result<ObjectCell *> cell_for(std::uint64_t function)
    {
        if (function == asked_ && last_)
            return last_;
        asked_ = 0; // if this fails, nothing is known
        function_ = image::resolve_canonical_stub(function);
        ObjectCell *cell = find_cell(function_);
        if (!cell) {
            CELL_TRY(cell, make_cell());
        }
        asked_ = function;
        return cell;
    }

    Result<ObjectCell *> make_cell()
    {
        CELL_TRY(const image::LoadedObject object, image::find_object(function_));
        CELL_TRY(image::CellImage made,
                 image::CellImage::build(object, {options_.memory, options_.stack}));
        auto cell = std::make_unique<ObjectCell>(std::move(made));
        if (spare_) {
            cell->backend = std::move(spare_);
        } else {
            CELL_TRY(cell->backend, open_backend());
        }
        CELL_CHECK(introduce_memory(*cell));
        CELL_CHECK(cell->backend->start(cell->image));
        cells_.push_back(std::move(cell));
        return cells_.back().get();
    }

    ObjectCell *find_cell(std::uint64_t function) const
    {
        for (const auto &cell : cells_)
            if (cell->image.has_code_at(function))
                return cell.get();
        return nullptr;
    }

    Result<void> introduce_memory(ObjectCell &cell)
    {
        while (cell.chunks_known < arena_.chunks().size())
            CELL_CHECK(cell.backend->add_memory(arena_.chunks()[cell.chunks_known++]));
        return {};
    }

    Result<void> introduce(ObjectCell &cell)
    {
        CELL_CHECK(introduce_memory(cell));
        for (; cell.grants_known < arena_.grants().size(); cell.grants_known++) {
            const Grant &grant = arena_.grants()[cell.grants_known];
            CELL_CHECK(cell.backend->protect(grant.address, grant.size, grant.protection));
        }
        return {};
    }

    Result<long> run(ObjectCell &cell, std::uint64_t function, std::uint64_t argument)
    {
        if (cell.stale)
            return error(Errc::misuse, "the cell was aborted and not reset");
        CELL_CHECK(introduce(cell));
        backend::Exit exit = cell.backend->call(function, argument, options_.limits);
        while (const auto *call = std::get_if<backend::HostCall>(&exit)) {
            const auto served = serve_host_call(*call, cell.image, arena_);
            if (!served) {
                cell.stale = true;
                cell.backend->halt();
                fault_ = FaultRecord{.kind = SBM_FAULT_HOST_CALL,
                                     .access = SBM_ACCESS_NONE,
                                     .address = call->proxy,
                                     .registers = std::nullopt,
                                     .detail = served.error().text()};
                return error(Errc::fault, "refused host call: %s", served.error().text());
            }
            exit = cell.backend->resume(*served);
        }
        if (const auto *returned = std::get_if<backend::Returned>(&exit))
            return static_cast<long>(returned->value);
        cell.stale = true;
        fault_ = classify(exit, &cell.image);
        const bool timed_out = std::holds_alternative<backend::TimedOut>(exit);
        return error(timed_out ? Errc::timed_out : Errc::fault, "the call was aborted: %s",
                     fault_->summary().c_str());
    }

    const sbm_level level_;
    const EngineOptions options_;
    Arena arena_; // outlives the cells that see it
    std::unique_ptr<backend::Backend> spare_;
    std::vector<std::unique_ptr<ObjectCell>> cells_;
    ObjectCell *last_ = nullptr;
    std::uint64_t asked_ = 0, function_ = 0; // the last function, and where it really is
    std::optional<FaultRecord> fault_;
};

} // namespace

Result<std::unique_ptr<Engine>> make_isolated_engine(sbm_level level, const EngineOptions &options)
{
    auto engine = std::make_unique<IsolatedEngine>(level, options);
    CELL_CHECK(engine->open());
    return std::unique_ptr<Engine>(std::move(engine));
}

} // namespace cell::call
