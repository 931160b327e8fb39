// SPDX-License-Identifier: Apache-2.0
//
// What the host sides of the modules have in common: one cell, used for one piece of
// untrusted data after the other, and reset in between.
#pragma once

#include "modules/codec_types.hpp"

#include <sbm/module.hpp>
#include <sbm/modules/limits.hpp>

#include <exception>
#include <optional>
#include <span>
#include <utility>

namespace sbm::modules {

class Codec {
public:
    static Result<Codec> create(std::span<const std::byte> file, const Limits &limits)
    {
        Options options;
        options.level = limits.level;
        options.memory = limits.memory;
        options.cpu_time = limits.time;
        auto module = Module::load(file, options);
        if (!module)
            return module.error();
        auto sandbox = module->sandbox();
        if (!sandbox)
            return sandbox.error();
        return Codec(std::move(*module), std::move(*sandbox));
    }

    const Module &module() const { return module_; }
    Sandbox &sandbox() { return sandbox_; }

    // Runs `work`, which makes calls, in a cell that nobody has used before. The reset
    // comes afterwards, so that nothing of the data lies around.
    template <class Work> auto run(Work &&work) -> decltype(work(*this))
    {
        if (auto begun = begin(); !begun)
            return begun.error();
        auto result = work(*this);
        end();
        return result;
    }

    // The same for work that others interrupt: from `begin` to `end` each call finds the
    // cell as the one before left it.
    Result<void> begin()
    {
        if (!is_clean_)
            if (auto reset = sandbox_.reset(); !reset)
                return reset.error();
        is_clean_ = false;
        return {};
    }
    void end() { is_clean_ = static_cast<bool>(sandbox_.reset()); }

private:
    Codec(Module module, Sandbox sandbox) : module_(std::move(module)), sandbox_(std::move(sandbox))
    {
    }
    Module module_;
    Sandbox sandbox_;
    bool is_clean_ = true;
};

// Nothing, or the error that the cell's status and words tell of.
inline std::optional<Error> refusal(const Untrusted<int> &status, const Untrusted<Message> &message)
{
    if (status.verify([](int value) { return value >= 0; }))
        return std::nullopt;
    const bool no_memory = status.check_with([](int value) { return value == kNoMemory; });
    return Error(no_memory ? Errc::no_memory : Errc::misuse,
                 message.trusted_because("only printed, after escaping").printable());
}

// Runs `work` where exceptions must end: want of memory becomes an error.
template <class Work> auto without_throwing(Work &&work) noexcept -> decltype(work())
{
    try {
        return work();
    } catch (const std::exception &) {
        return Error(Errc::no_memory, "the program has no memory left");
    }
}

} // namespace sbm::modules
