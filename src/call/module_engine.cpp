// SPDX-License-Identifier: Apache-2.0
#include "call/module_engine.hpp"

#include <algorithm>
#include <sys/mman.h>

namespace cell::call {
namespace {

// Where it happened, and what the module wrote before, help more than how it ended.
Error start_failed(const Error &reason, std::optional<FaultRecord> fault,
                   const image::CellImage &image)
{
    std::string text = reason.text();
    if (fault)
        text = FaultReport(std::move(*fault)).get(&image)->text;
    const std::string log = log_of(image);
    if (!log.empty())
        text = text.substr(0, 120) + "; it wrote: " + log;
    return error(reason.code(), "the module did not start: %s", text.c_str());
}

} // namespace

Thunks thunks_of(const image::ModuleFile &file, std::uint64_t bias)
{
    Thunks thunks;
    for (const image::ModuleFunction &function : file.exports())
        thunks.push_back(function.address + bias);
    for (const std::uint64_t special : {file.batch(), file.main()})
        if (special)
            thunks.push_back(special + bias);
    std::sort(thunks.begin(), thunks.end());
    return thunks;
}

Result<void> run_constructors(Cell &cell, const backend::Limits &limits,
                              const std::stop_token &stop)
{
    const Imports none; // there is nobody yet who could have provided any
    cell.set_imports(&none);
    const std::stop_callback on_stop(stop, [&] { cell.cancel(); });
    std::optional<FaultRecord> fault;
    const auto started =
        cell.call({.function = cell.image().start_function(),
                   .data = reinterpret_cast<const void *>(cell.image().start_data()),
                   .size = 0,
                   .shares = {}},
                  limits, fault);
    cell.set_imports(nullptr);
    if (started)
        return {};
    cell.halt();
    return start_failed(started.error(), std::move(fault), cell.image());
}

ModuleEngine::ModuleEngine(sbm_level level, const EngineOptions &options,
                           std::shared_ptr<backend::Host> host, SystemCalls *system)
    : ArenaEngine(level, options.guard), limits_(options.limits), host_(std::move(host)),
      system_(system)
{
}

Result<void> ModuleEngine::clone(const std::shared_ptr<const image::ModuleTemplate> &source,
                                 std::shared_ptr<const Thunks> thunks)
{
    thunks_ = std::move(thunks);
    const bool is_vm = level() == SBM_LEVEL_VM;
    CELL_TRY(image::CellImage image,
             image::clone_template(source, is_vm ? image::HostView::own : image::HostView::shared));
    CELL_CHECK(start(std::move(image)));
    set_up_calls();
    return {};
}

Result<void> ModuleEngine::begin(std::shared_ptr<const image::ModuleFile> file,
                                 const image::ImageOptions &memory, const os::TickRate &rate,
                                 const std::stop_token &stop)
{
    const os::TickMeter meter;
    CELL_TRY(image::CellImage image, image::build_module_image(std::move(file), memory));
    CELL_CHECK(start(std::move(image)));
    CELL_CHECK(run_constructors(*cell_, limits_, stop));
    CELL_CHECK(cell_->finish_start(rate.multiplier ? rate : meter.rate()));
    thunks_ = std::make_shared<const Thunks>(
        thunks_of(cell_->image().module(), cell_->image().layout().bias));
    set_up_calls();
    return {};
}

// The system's memory is there before the cell starts: what comes later can take another
// process.
Result<void> ModuleEngine::start(image::CellImage image)
{
    if (system_) {
        const image::ModuleLayout &layout = image.layout();
        CELL_CHECK(system_->attach(arena_, {image.host(layout.cell_base + layout.heap,
                                                       layout.heap_size, PROT_READ | PROT_WRITE),
                                            layout.heap_size}));
    }
    CELL_TRY(std::unique_ptr<backend::Backend> backend, host_->open());
    CELL_TRY(cell_, Cell::start(std::move(image), std::move(backend), arena_));
    return {};
}

void ModuleEngine::set_up_calls()
{
    const image::CellImage &image = cell_->image();
    for (const image::ModuleFunction &import : image.module().imports())
        imports_.add({import.address + image.layout().bias, import.name, import.signature, {}});
    cell_->set_imports(&imports_);
    cell_->set_system(system_);
}

Result<long> ModuleEngine::call(Function function, const void *data, std::size_t size,
                                std::span<const Share> shares)
{
    const auto address = reinterpret_cast<std::uint64_t>(function);
    if (!std::binary_search(thunks_->begin(), thunks_->end(), address))
        return error(Errc::misuse, "the function is none of the module's");
    return cell_->call({address, data, size, shares}, limits_, fault_);
}

Result<void> ModuleEngine::provide(std::string_view name, std::string_view signature,
                                   sbm::detail::HostFunction function)
{
    Imports::Entry *entry = imports_.find(name);
    if (!entry)
        return error(Errc::misuse, "the module imports no function `%.100s`",
                     std::string(name).c_str());
    if (entry->signature != signature)
        return error(Errc::misuse, "`%.40s` is %.90s in the module, and was provided as %.90s",
                     entry->name.c_str(), entry->signature.c_str(), std::string(signature).c_str());
    entry->function = std::move(function);
    return {};
}

Result<void> ModuleEngine::reset()
{
    if (!cell_->image().can_be_restored())
        return error(Errc::misuse, "the cell that ran the constructors has nothing to go back to");
    cell_->halt();
    arena_.reset();
    return cell_->restart();
}

} // namespace cell::call
