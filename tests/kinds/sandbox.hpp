// SPDX-License-Identifier: Apache-2.0
//
// For the C++ interface what kinds.hpp is for that in C: a suite of functions that a
// module of the same sources exports (SBM_EXPORT) runs as both kinds.
#pragma once

#include "kind.hpp"

#include <sbm/module.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace kinds {

class Sandbox {
public:
    // In place, or of the module in `file`.
    static sbm::Result<Sandbox> create(const sbm::Options &options)
    {
        auto sandbox = sbm::Sandbox::create(options);
        return sandbox ? sbm::Result<Sandbox>(Sandbox(std::move(*sandbox), std::nullopt))
                       : sbm::Result<Sandbox>(sandbox.error());
    }
    static sbm::Result<Sandbox> create(std::span<const std::byte> file, const sbm::Options &options)
    {
        // Constructors need not meet limits that are meant for calls.
        sbm::Options start = options;
        start.cpu_time = sbm::Options().cpu_time;
        start.wall_time = sbm::Options().wall_time;
        auto module = sbm::Module::load(file, start);
        if (!module)
            return module.error();
        auto sandbox = module->sandbox(options);
        return sandbox ? sbm::Result<Sandbox>(Sandbox(std::move(*sandbox), std::move(*module)))
                       : sbm::Result<Sandbox>(sandbox.error());
    }

    sbm::Level level() const { return sandbox_.level(); }
    const sbm::Fault *fault() { return sandbox_.fault(); }
    sbm::Result<void> reset() { return sandbox_.reset(); }

    // By KINDS_CALL: of a module, the function with that name and the same type.
    template <class R, class... P, class... A>
    auto call(const char *name, R (*function)(P...), A &&...arguments)
    {
        using Answer = decltype(sandbox_.call(function, std::forward<A>(arguments)...));
        if (!module_)
            return sandbox_.call(function, std::forward<A>(arguments)...);
        const auto found = module_->template function<R(P...)>(name);
        EXPECT_TRUE(found) << found.error().text();
        return found ? sandbox_.call(*found, std::forward<A>(arguments)...) : Answer(found.error());
    }

private:
    Sandbox(sbm::Sandbox sandbox, std::optional<sbm::Module> module)
        : sandbox_(std::move(sandbox)), module_(std::move(module))
    {
    }

    sbm::Sandbox sandbox_;
    std::optional<sbm::Module> module_;
};

} // namespace kinds

#define KINDS_CALL(sandbox, function, ...)                                                         \
    (sandbox).call(#function, function __VA_OPT__(, ) __VA_ARGS__)
