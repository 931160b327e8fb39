// SPDX-License-Identifier: Apache-2.0
//
// <sbm/module.hpp> on top of a module.
#include "call/core.hpp"
#include "call/module.hpp"
#include "image/template_file.hpp"

#include <sbm/module.hpp>

namespace sbm {
namespace detail {

class ModuleState {
public:
    std::shared_ptr<const cell::call::Module> module;
};

namespace {

using FileResult = Result<std::shared_ptr<const cell::image::ModuleFile>>;

Result<std::shared_ptr<const ModuleState>> load(const FileResult &file, const Options &options)
{
    if (!file)
        return file.error();
    auto module = cell::call::Module::load(*file, plain_options(options));
    if (!module)
        return module.error();
    auto state = std::make_shared<ModuleState>();
    state->module = std::move(*module);
    return std::shared_ptr<const ModuleState>(std::move(state));
}

} // namespace
} // namespace detail

Result<Module> Module::load(const std::string &path, const Options &options) noexcept
{
    auto state = cell::without_throwing(
        [&] { return detail::load(cell::image::ModuleFile::load(path), options); });
    return state ? Result<Module>(Module(*state)) : Result<Module>(state.error());
}

Result<Module> Module::load(std::span<const std::byte> file, const Options &options) noexcept
{
    auto state = cell::without_throwing(
        [&] { return detail::load(cell::image::ModuleFile::parse(file), options); });
    return state ? Result<Module>(Module(*state)) : Result<Module>(state.error());
}

Result<void> Module::save_template(const std::string &path) const noexcept
{
    return cell::without_throwing(
        [&] { return cell::image::save_template(*state_->module->start_state(), path); });
}

Result<Module> Module::load_template(const std::string &path, const Options &options) noexcept
{
    auto state = cell::without_throwing([&]() -> Result<std::shared_ptr<detail::ModuleState>> {
        CELL_TRY(auto saved, cell::image::load_template(path));
        auto made = std::make_shared<detail::ModuleState>();
        CELL_TRY(made->module,
                 cell::call::Module::adopt(std::move(saved), detail::plain_options(options)));
        return made;
    });
    return state ? Result<Module>(Module(std::move(*state))) : Result<Module>(state.error());
}

Result<Sandbox> Module::sandbox() const noexcept
{
    auto core =
        detail::make_core(cell::call::Instance::create(*state_->module, state_->module->options()));
    return core ? Result<Sandbox>(Sandbox(*core)) : Result<Sandbox>(core.error());
}

Result<Sandbox> Module::sandbox(const Options &options) const noexcept
{
    auto core = detail::make_core(
        cell::call::Instance::create(*state_->module, detail::plain_options(options)));
    return core ? Result<Sandbox>(Sandbox(*core)) : Result<Sandbox>(core.error());
}

Level Module::level() const noexcept
{
    return static_cast<Level>(state_->module->options().level);
}

Result<detail::Thunk> Module::find(std::string_view name, std::string_view signature) const noexcept
{
    auto function = state_->module->find(name, signature);
    if (!function)
        return function.error();
    return reinterpret_cast<detail::Thunk>(state_->module->address_of(**function));
}

const void *Module::identity() const noexcept
{
    return state_->module.get();
}

} // namespace sbm
