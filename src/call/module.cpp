// SPDX-License-Identifier: Apache-2.0
#include "call/module.hpp"

#include "call/cell.hpp"
#include "call/module_engine.hpp"
#include "call/options.hpp"
#include "os/clock.hpp"

#include <algorithm>

namespace cell::call {
namespace {

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
    CELL_CHECK(run_constructors(*maker, complete.limits, loading.stop));
    maker->halt();
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
    thunks_ = thunks_of(file(), template_->layout.bias);
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
    auto engine = std::make_unique<ModuleEngine>(level, options, std::move(host), system);
    CELL_CHECK(engine->clone(template_, {shared_from_this(), &thunks_}));
    return std::unique_ptr<Engine>(std::move(engine));
}

} // namespace cell::call
