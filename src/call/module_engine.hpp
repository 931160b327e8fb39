// SPDX-License-Identifier: Apache-2.0
//
// The one cell of a sandbox that was made from a module.
#pragma once

#include "call/arena_engine.hpp"
#include "call/cell.hpp"
#include "image/module_image.hpp"

#include <memory>
#include <stop_token>
#include <vector>

namespace cell::call {

// What a module lets be called, in its cells: sorted.
using Thunks = std::vector<std::uint64_t>;
Thunks thunks_of(const image::ModuleFile &file, std::uint64_t bias);

// In a module's first cell. The error says what ended them, with the last of what the module
// wrote to standard error; nothing runs in the cell then.
Result<void> run_constructors(Cell &cell, const backend::Limits &limits,
                              const std::stop_token &stop);

class ModuleEngine final : public ArenaEngine {
public:
    // Its cell is still to be made, on `host`, which is of that level.
    ModuleEngine(sbm_level level, const EngineOptions &options, std::shared_ptr<backend::Host> host,
                 SystemCalls *system);

    // From a template, as one of many.
    Result<void> clone(const std::shared_ptr<const image::ModuleTemplate> &source,
                       std::shared_ptr<const Thunks> thunks);

    // From a file: the constructors run, and what is called afterwards finds what they left.
    // There is no state to which such a cell could be reset. See Loading.
    Result<void> begin(std::shared_ptr<const image::ModuleFile> file,
                       const image::ImageOptions &memory, const os::TickRate &rate,
                       const std::stop_token &stop);

    Result<long> call(Function function, const void *data, std::size_t size,
                      std::span<const Share> shares) override;
    Result<void> provide(std::string_view name, std::string_view signature,
                         sbm::detail::HostFunction function) override;
    const image::CellImage *image() const override { return &cell_->image(); }
    Result<void> reset() override;
    Result<void> set_spin(std::uint64_t bound) override { return cell_->set_spin(bound); }
    bool cancel() noexcept override
    {
        cell_->cancel();
        return true;
    }
    int process_id() const override { return cell_->process_id(); }
    void abandon() override { cell_->abandon(); }

private:
    Result<void> start(image::CellImage image);
    void set_up_calls();

    const backend::Limits limits_;
    const std::shared_ptr<backend::Host> host_;
    SystemCalls *const system_;
    std::shared_ptr<const Thunks> thunks_;
    Imports imports_;
    std::unique_ptr<Cell> cell_;
};

} // namespace cell::call
