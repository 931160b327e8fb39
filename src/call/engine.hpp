// SPDX-License-Identifier: Apache-2.0
//
// How one level makes calls. The layers above see buffers and results only.
#pragma once

#include "base/result.hpp"
#include "call/arena.hpp"
#include "call/fault.hpp"
#include "call/system_calls.hpp"

#include <sbm/detail/host_function.hpp>
#include <sbm/types.h>

#include <memory>
#include <span>
#include <string_view>

namespace cell::call {

// A function of the program that takes one pointer. What a level does with the
// upper half of its value is the caller's affair: thunks of C return int.
using Function = long (*)(void *);

class Engine {
public:
    virtual ~Engine() = default;

    virtual sbm_level level() const = 0;

    virtual Result<Buffer> acquire(const BufferRequest &request) = 0;
    virtual Result<void> require(std::uint32_t buffer, Access access) = 0;
    virtual void release(std::uint32_t buffer) = 0;

    // False if bytes next to the buffer were overwritten by the last call.
    virtual bool is_intact(std::uint32_t buffer) const = 0;

    // Calls function(data). With `size`, `data` is an argument structure of so many
    // bytes, which the function gets a read-only copy of. It sees the memory in `shares`
    // besides, and nobody in the cell changes that any more when the call has ended. The
    // value, or a record of what ended the call; then every further call is misuse until
    // `reset`.
    virtual Result<long> call(Function function, const void *data, std::size_t size,
                              std::span<const Share> shares) = 0;

    // The record of the last call, if it was aborted.
    virtual std::optional<FaultRecord> take_fault() = 0;

    // The image that a report can be explained from, or nullptr.
    virtual const image::CellImage *image() const { return nullptr; }

    virtual Result<void> reset() = 0;

    // Gives a host function to the module that the engine runs.
    virtual Result<void> provide(std::string_view, std::string_view, sbm::detail::HostFunction)
    {
        return error(Errc::misuse, "only a module takes functions of the host by name");
    }

    // How long, in nanoseconds, both sides of a call may look for each other before they
    // sleep. Levels without another side have nothing to do.
    virtual Result<void> set_spin(std::uint64_t) { return {}; }

    // From any thread: ends the call that is on, or the next one. Where calls run on the
    // caller's own stack, nothing can end them: false.
    virtual bool cancel() noexcept { return false; }

    // Of the cell; 0 if it has no process of its own.
    virtual int process_id() const { return 0; }

    // In a forked child, before destruction: cells and threads are the parent's.
    virtual void abandon() {}
};

// All zero-means-default rules applied.
struct EngineOptions {
    std::uint64_t memory;
    std::uint64_t stack;
    backend::Limits limits;
    GuardAt guard;
};

std::unique_ptr<Engine> make_direct_engine();
Result<std::unique_ptr<Engine>> make_guarded_engine(const EngineOptions &options);
// `level` is SBM_LEVEL_PROCESS or SBM_LEVEL_VM.
Result<std::unique_ptr<Engine>> make_isolated_engine(sbm_level level, const EngineOptions &options);

} // namespace cell::call
