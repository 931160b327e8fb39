// SPDX-License-Identifier: Apache-2.0
//
// A module, loaded and started once: its template, and sandboxes made from it.
#pragma once

#include "call/engine.hpp"
#include "image/module_image.hpp"

#include <sbm/types.h>

#include <memory>
#include <span>
#include <stop_token>
#include <string>

namespace cell::call {

// How a module starts, besides its options.
struct Loading {
    // That all its cells of the options' level, which says one then, are made on; the usual one
    // of that level if there is none.
    std::shared_ptr<backend::Host> host{};
    std::stop_token stop{}; // ends the start
    // Of this processor, if it is known: to measure it takes a millisecond.
    os::TickRate rate{};
};

class Module : public std::enable_shared_from_this<Module> {
public:
    // Checks the file and runs its constructors in a cell of the level that `options` asks
    // for, within their limits. The error says what is wrong with the file, or what ended
    // the start, with the last of what it wrote to standard error.
    static Result<std::shared_ptr<const Module>> load(std::shared_ptr<const image::ModuleFile> file,
                                                      const sbm_options &options,
                                                      const Loading &loading = {}) noexcept;

    // Takes a state that was saved; nothing runs.
    static Result<std::shared_ptr<const Module>>
    adopt(std::shared_ptr<const image::ModuleTemplate> saved, const sbm_options &options,
          const Loading &loading = {}) noexcept;

    const image::ModuleFile &file() const { return *template_->file; }
    const std::shared_ptr<const image::ModuleTemplate> &start_state() const { return template_; }
    const sbm_options &options() const { return options_; }

    // The export with this name; misuse if there is none, or if its signature differs in
    // more than spaces: the error names both. An empty signature is any.
    Result<const image::ModuleFunction *> find(std::string_view name,
                                               std::string_view signature) const noexcept;

    // Where an export's thunk is in cells.
    std::uint64_t address_of(const image::ModuleFunction &function) const
    {
        return function.address + template_->layout.bias;
    }
    // The thunk that makes many calls, in cells; 0 if the module has none.
    std::uint64_t batch() const
    {
        return file().batch() ? file().batch() + template_->layout.bias : 0;
    }

    // One more cell. Level, limits and guard are those of `options`, memory and stack the
    // module's.
    Result<std::unique_ptr<Engine>> make_engine(sbm_level level, const EngineOptions &options,
                                                SystemCalls *system = nullptr) const;

private:
    Module() = default;
    static Result<std::shared_ptr<Module>> make(const sbm_options &options,
                                                std::shared_ptr<backend::Host> host);
    void take(std::shared_ptr<const image::ModuleTemplate> state);
    static Result<std::shared_ptr<const Module>>
    start(std::shared_ptr<const image::ModuleFile> file, const sbm_options &options,
          const Loading &loading);
    Result<std::shared_ptr<backend::Host>> host_of(sbm_level level) const;

    std::shared_ptr<const image::ModuleTemplate> template_;
    sbm_options options_{};
    std::vector<std::uint64_t> thunks_;   // sorted
    std::shared_ptr<backend::Host> host_; // of the level that it was started at
    sbm_level host_level_ = SBM_LEVEL_STRONGEST;
};

} // namespace cell::call
