// SPDX-License-Identifier: Apache-2.0
//
// One sandbox, whichever interface it was made by: an engine, the rules of a call
// and the report of the last one.
#pragma once

#include "call/engine.hpp"
#include "image/module_image.hpp"
#include "os/memory.hpp"

#include <sbm/detail/host_function.hpp>
#include <sbm/types.h>

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace cell::call {

class Module;
struct Loading;

class Instance {
public:
    // A sandbox of the level asked for; `strongest` means what SBM_LEVEL says, else
    // vm, else process.
    static Result<std::unique_ptr<Instance>> create(const sbm_options &options) noexcept;

    // One of a module. Memory and stack in `options` are the module's affair; the
    // strongest level is the one that the module was started at. Of an app, `system` answers
    // the system calls; it outlives the instance.
    static Result<std::unique_ptr<Instance>> create(const Module &module,
                                                    const sbm_options &options,
                                                    SystemCalls *system = nullptr) noexcept;

    // An app in the only cell that it has, on the host in `loading` of the level in `options`:
    // its constructors run there, as in Module::load, and what is called next finds what they
    // left. It cannot be reset.
    static Result<std::unique_ptr<Instance>>
    begin(std::shared_ptr<const image::ModuleFile> file, const sbm_options &options,
          const Loading &loading, SystemCalls &system) noexcept;

    // After fork the cell is the parent's; the child can only forget it.
    static void destroy(std::unique_ptr<Instance> instance) noexcept;

    sbm_level level() const { return engine_->level(); }
    const Module *module() const { return module_; } // nullptr for in-place functions

    // Everything below `leave` takes place between `enter` and `leave`, which one
    // thread at a time can do, and nobody from within a call: else misuse.
    Result<void> enter() noexcept;
    const char *why_not_enter() noexcept; // the same: nullptr once it has entered
    void leave() noexcept { busy_.store(false, std::memory_order_release); }

    Result<Buffer> acquire(const BufferRequest &request) noexcept;
    Result<void> require(const Buffer &buffer, Access access) noexcept;
    void release(const Buffer &buffer) noexcept;

    // Copies in, calls, copies out, with `shares` entered by the caller; nothing is copied out of
    // an aborted call, after which every call is misuse until `reset`.
    Result<long> execute(Function function, const void *data, std::size_t size,
                         std::span<const Copy> copies, std::span<const Share> shares = {}) noexcept;

    // Valid until the next call or reset; nullptr if the last call was not aborted.
    const sbm_fault *fault() noexcept;

    // Modules: what the last call wrote to standard output and error, printable, and which
    // system calls were not done since the start or the last reset.
    std::string log() const;
    std::vector<RefusedCall> refused_calls() const;

    Result<void> reset() noexcept;

    // Modules: see Sandbox::provide.
    Result<void> provide(std::string_view name, std::string_view signature,
                         sbm::detail::HostFunction function) noexcept;

    // What has to be added to addresses of a module's file.
    std::uint64_t bias() const { return engine_->image()->layout().bias; }

    // See Engine.
    int process_id() const { return engine_->process_id(); }

    // From any thread, without `enter`.
    bool cancel() noexcept { return engine_->cancel(); }

    // Between calls.
    Result<void> set_spin(std::uint64_t nanoseconds) noexcept
    {
        return engine_->set_spin(nanoseconds);
    }

private:
    explicit Instance(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

    static Result<std::unique_ptr<Instance>> make(const sbm_options &options);
    static Result<std::unique_ptr<Instance>> adopt(std::unique_ptr<Engine> engine);
    Result<long> execute_throwing(Function function, const void *data, std::size_t size,
                                  std::span<const Copy> copies, std::span<const Share> shares);
    Result<void> check_surroundings(std::span<const Copy> copies, std::span<const Share> shares);
    Error underrun(const void *address, std::uint64_t size);

    std::unique_ptr<Engine> engine_;
    const Module *module_ = nullptr; // which the engine keeps
    os::Mapping birth_mark_;         // a page that the kernel clears in a forked child
    std::atomic<bool> busy_{false};
    bool aborted_ = false;
    std::optional<FaultReport> report_;
};

} // namespace cell::call
