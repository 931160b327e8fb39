// SPDX-License-Identifier: Apache-2.0
#include "call/module.hpp"

#include "call/arena_engine.hpp"
#include "call/cell.hpp"
#include "call/options.hpp"
#include "os/clock.hpp"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>

namespace cell::call {
namespace {

// The one cell of a sandbox that was made from a module.
class ModuleEngine final : public ArenaEngine {
public:
    ModuleEngine(std::shared_ptr<const Module> module, sbm_level level,
                 const EngineOptions &options)
        : ArenaEngine(level, options.guard), module_(std::move(module)), limits_(options.limits)
    {
    }

    Result<void> start(std::shared_ptr<backend::Host> host, SystemCalls *system)
    {
        host_ = std::move(host);
        CELL_TRY(image::CellImage image,
                 image::clone_template(module_->start_state(), level() == SBM_LEVEL_VM
                                                                   ? image::HostView::own
                                                                   : image::HostView::shared));
        if (system) // before the cell starts: memory that comes later can take another process
            CELL_CHECK(attach(*system, image));
        CELL_TRY(std::unique_ptr<backend::Backend> backend, host_->open());
        CELL_TRY(cell_, Cell::start(std::move(image), std::move(backend), arena_));
        cell_->set_system(system);
        for (const image::ModuleFunction &import : module_->file().imports())
            imports_.add({import.address + module_->start_state()->layout.bias,
                          import.name,
                          import.signature,
                          {}});
        cell_->set_imports(&imports_);
        return {};
    }

    Result<long> call(Function function, const void *data, std::size_t size,
                      std::span<const Share> shares) override
    {
        const auto address = reinterpret_cast<std::uint64_t>(function);
        if (!module_->is_export(address))
            return error(Errc::misuse, "the function is none of the module's");
        return cell_->call({address, data, size, shares}, limits_, fault_);
    }

    Result<void> provide(std::string_view name, std::string_view signature,
                         sbm::detail::HostFunction function) override
    {
        Imports::Entry *entry = imports_.find(name);
        if (!entry)
            return error(Errc::misuse, "the module imports no function `%.100s`",
                         std::string(name).c_str());
        if (entry->signature != signature)
            return error(Errc::misuse, "`%.40s` is %.90s in the module, and was provided as %.90s",
                         entry->name.c_str(), entry->signature.c_str(),
                         std::string(signature).c_str());
        entry->function = std::move(function);
        return {};
    }

    const image::CellImage *image() const override { return &cell_->image(); }

    Result<void> reset() override
    {
        cell_->halt();
        arena_.reset();
        return cell_->restart();
    }

    Result<void> set_spin(std::uint64_t bound) override { return cell_->set_spin(bound); }

    bool cancel() noexcept override
    {
        cell_->cancel();
        return true;
    }

    int process_id() const override { return cell_->process_id(); }

    void abandon() override { cell_->abandon(); }

private:
    Result<void> attach(SystemCalls &system, const image::CellImage &image)
    {
        const image::ModuleLayout &layout = module_->start_state()->layout;
        return system.attach(arena_, {image.host(layout.cell_base + layout.heap, layout.heap_size,
                                                 PROT_READ | PROT_WRITE),
                                      layout.heap_size});
    }

    const std::shared_ptr<const Module> module_;
    const backend::Limits limits_;
    std::shared_ptr<backend::Host> host_;
    Imports imports_;
    std::unique_ptr<Cell> cell_;
};

// Signatures as they are compared: C's are written by hand, with spaces as one likes.
std::string without_spaces(std::string_view text)
{
    const auto is_word = [](char c) {
        return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    };
    std::string result;
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] != ' ') {
            result += text[i];
            continue;
        }
        const std::size_t next = text.find_first_not_of(' ', i);
        if (!result.empty() && next != std::string_view::npos && is_word(result.back()) &&
            is_word(text[next]))
            result += ' ';
    }
    return result;
}

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

Result<std::shared_ptr<const Module>> Module::load(std::shared_ptr<const image::ModuleFile> file,
                                                   const sbm_options &options,
                                                   const Loading &loading) noexcept
{
    return without_throwing([&] { return start(std::move(file), options, loading); });
}

Result<std::shared_ptr<const Module>> Module::start(std::shared_ptr<const image::ModuleFile> file,
                                                    const sbm_options &options,
                                                    const Loading &loading)
{
    const EngineOptions complete = with_defaults(options);
    CELL_TRY(const std::shared_ptr<Module> module, make(options, loading.host));
    CELL_TRY(image::CellImage image,
             image::build_module_image(std::move(file), {complete.memory, complete.stack}));
    CELL_TRY(std::unique_ptr<backend::Backend> backend, module->host_->open());
    const os::TickMeter meter;
    Arena arena;
    CELL_TRY(const std::unique_ptr<Cell> maker,
             Cell::start(std::move(image), std::move(backend), arena));
    std::optional<FaultRecord> fault;
    const Imports none; // there is nobody yet who could have provided any
    maker->set_imports(&none);
    const std::stop_callback on_stop(loading.stop, [&] { maker->cancel(); });
    const auto started =
        maker->call({.function = maker->image().start_function(),
                     .data = reinterpret_cast<const void *>(maker->image().start_data()),
                     .size = 0,
                     .shares = {}},
                    complete.limits, fault);
    maker->halt();
    if (!started)
        return start_failed(started.error(), std::move(fault), maker->image());
    CELL_TRY(auto state, image::make_template(maker->image(), meter.rate()));
    module->take(std::move(state));
    return std::shared_ptr<const Module>(module);
}

Result<std::shared_ptr<const Module>>
Module::adopt(std::shared_ptr<const image::ModuleTemplate> saved, const sbm_options &options,
              const Loading &loading) noexcept
{
    return without_throwing([&]() -> Result<std::shared_ptr<const Module>> {
        CELL_TRY(const std::shared_ptr<Module> module, make(options, loading.host));
        module->take(std::move(saved));
        return std::shared_ptr<const Module>(module);
    });
}

// One without a state yet.
Result<std::shared_ptr<Module>> Module::make(const sbm_options &options,
                                             std::shared_ptr<backend::Host> host)
{
    sbm_options complete = options;
    if (!host) {
        CELL_TRY(StrongHost found, find_strong_host(options.level, find_host));
        complete.level = found.level;
        host = std::move(found.host);
    }
    std::shared_ptr<Module> module(new Module);
    module->options_ = complete;
    module->host_level_ = complete.level;
    module->host_ = std::move(host);
    return module;
}

void Module::take(std::shared_ptr<const image::ModuleTemplate> state)
{
    template_ = std::move(state);
    for (const image::ModuleFunction &function : file().exports())
        thunks_.push_back(address_of(function));
    if (file().batch())
        thunks_.push_back(batch());
    if (file().main())
        thunks_.push_back(main());
    std::sort(thunks_.begin(), thunks_.end());
}

Result<const image::ModuleFunction *> Module::find(std::string_view name,
                                                   std::string_view signature) const noexcept
{
    return without_throwing([&]() -> Result<const image::ModuleFunction *> {
        const image::ModuleFunction *found = file().find_export(name);
        if (!found)
            return error(Errc::misuse, "the module exports no function `%.100s`",
                         std::string(name).c_str());
        if (!signature.empty() && without_spaces(found->signature) != without_spaces(signature))
            return error(Errc::misuse, "`%.40s` is %.90s in the module, and was asked for as %.90s",
                         found->name.c_str(), found->signature.c_str(),
                         std::string(signature).c_str());
        return found;
    });
}

bool Module::is_export(std::uint64_t address) const
{
    return std::binary_search(thunks_.begin(), thunks_.end(), address);
}

Result<std::shared_ptr<backend::Host>> Module::host_of(sbm_level level) const
{
    if (level == host_level_)
        return host_;
    return find_host(level);
}

Result<std::unique_ptr<Engine>> Module::make_engine(sbm_level level, const EngineOptions &options,
                                                    SystemCalls *system) const
{
    CELL_TRY(std::shared_ptr<backend::Host> host, host_of(level));
    auto engine = std::make_unique<ModuleEngine>(shared_from_this(), level, options);
    CELL_CHECK(engine->start(std::move(host), system));
    return std::unique_ptr<Engine>(std::move(engine));
}

} // namespace cell::call
