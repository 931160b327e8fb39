// SPDX-License-Identifier: Apache-2.0
//
// Levels `process` and `vm`: the function runs in a cell made from the image of
// the object that contains it. One cell an object, made at its first call.
#include "call/arena_engine.hpp"
#include "call/cell.hpp"

#include <vector>

namespace cell::call {
namespace {

class IsolatedEngine final : public ArenaEngine {
public:
    IsolatedEngine(sbm_level level, const EngineOptions &options)
        : ArenaEngine(level, options.guard), options_(options)
    {
    }

    // Opens the backend of the first cell, so that what is missing is known early.
    Result<void> open()
    {
        CELL_TRY(host_, find_host(level()));
        CELL_TRY(spare_, host_->open());
        return {};
    }

    Result<long> call(Function function, const void *data, std::size_t size,
                      std::span<const Share> shares) override
    {
        CELL_TRY(Cell * cell, cell_for(reinterpret_cast<std::uint64_t>(function)));
        last_ = cell;
        return cell->call({function_, data, size, shares}, options_.limits, fault_);
    }

    const image::CellImage *image() const override { return last_ ? &last_->image() : nullptr; }

    Result<void> reset() override
    {
        for (const auto &cell : cells_)
            cell->halt();
        arena_.reset();
        for (const auto &cell : cells_)
            CELL_CHECK(cell->restart());
        return {};
    }

    Result<void> set_spin(std::uint64_t bound) override
    {
        for (const auto &cell : cells_)
            CELL_CHECK(cell->set_spin(bound));
        spin_ = bound;
        return {};
    }

    void abandon() override
    {
        if (spare_)
            spare_->abandon();
        for (const auto &cell : cells_)
            cell->abandon();
    }

private:
    // The cell of the object that holds `function`; `function_` is then where the
    // function really is.
    Result<Cell *> cell_for(std::uint64_t function)
    {
        if (function == asked_ && last_)
            return last_;
        asked_ = 0; // if this fails, nothing is known
        function_ = image::resolve_canonical_stub(function);
        Cell *cell = find_cell(function_);
        if (!cell) {
            CELL_TRY(cell, make_cell());
        }
        asked_ = function;
        return cell;
    }

    Result<Cell *> make_cell()
    {
        CELL_TRY(const image::LoadedObject object, image::find_object(function_));
        CELL_TRY(image::CellImage made,
                 image::CellImage::build(object, {options_.memory, options_.stack}));
        std::unique_ptr<backend::Backend> backend = std::move(spare_);
        if (!backend) {
            CELL_TRY(backend, host_->open());
        }
        CELL_TRY(std::unique_ptr<Cell> cell,
                 Cell::start(std::move(made), std::move(backend), arena_));
        if (spin_ != 0)
            CELL_CHECK(cell->set_spin(spin_));
        cells_.push_back(std::move(cell));
        return cells_.back().get();
    }

    Cell *find_cell(std::uint64_t function) const
    {
        for (const auto &cell : cells_)
            if (cell->image().has_code_at(function))
                return cell.get();
        return nullptr;
    }

    const EngineOptions options_;
    std::uint64_t spin_ = 0;
    std::shared_ptr<backend::Host> host_;
    std::unique_ptr<backend::Backend> spare_;
    std::vector<std::unique_ptr<Cell>> cells_;
    Cell *last_ = nullptr;
    std::uint64_t asked_ = 0, function_ = 0; // the last function, and where it really is
};

} // namespace

Result<std::unique_ptr<Engine>> make_isolated_engine(sbm_level level, const EngineOptions &options)
{
    auto engine = std::make_unique<IsolatedEngine>(level, options);
    CELL_CHECK(engine->open());
    return std::unique_ptr<Engine>(std::move(engine));
}

} // namespace cell::call
