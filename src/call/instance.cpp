// SPDX-License-Identifier: Apache-2.0
#include "call/instance.hpp"

#include "base/checked.hpp"
#include "call/module.hpp"
#include "call/module_engine.hpp"
#include "call/options.hpp"
#include "call/shared_memory.hpp"

#include <cstring>
#include <sys/mman.h>

namespace cell::call {
namespace {

Result<std::unique_ptr<Engine>> make_strongest(const EngineOptions &options)
{
    auto vm = make_isolated_engine(SBM_LEVEL_VM, options);
    if (vm)
        return vm;
    auto process = make_isolated_engine(SBM_LEVEL_PROCESS, options);
    if (process)
        return process;
    return error(Errc::not_available, "no strong level here: vm: %.100s; process: %.100s",
                 vm.error().text(), process.error().text());
}

Result<std::unique_ptr<Engine>> make_engine(sbm_level level, const EngineOptions &options)
{
    switch (level) {
    case SBM_LEVEL_STRONGEST:
        return make_strongest(options);
    case SBM_LEVEL_NONE:
        return make_direct_engine();
    case SBM_LEVEL_WEAK:
        return make_guarded_engine(options);
    case SBM_LEVEL_PROCESS:
    case SBM_LEVEL_VM:
        return make_isolated_engine(level, options);
    }
    return error(Errc::misuse, "there is no level number %d", static_cast<int>(level));
}

} // namespace

Result<std::unique_ptr<Instance>> Instance::create(const sbm_options &options) noexcept
{
    return without_throwing([&] { return make(options); });
}

Result<std::unique_ptr<Instance>> Instance::make(const sbm_options &options)
{
    CELL_TRY(const sbm_level level, level_from_environment(options.level));
    CELL_CHECK(check_options(options));
    CELL_TRY(auto engine, make_engine(level, with_defaults(options)));
    return adopt(std::move(engine));
}

Result<std::unique_ptr<Instance>> Instance::create(const Module &module, const sbm_options &options,
                                                   SystemCalls *system) noexcept
{
    return without_throwing([&]() -> Result<std::unique_ptr<Instance>> {
        CELL_CHECK(check_options(options));
        sbm_level level = options.level;
        if (level == SBM_LEVEL_STRONGEST)
            level = module.options().level;
        if (level != SBM_LEVEL_PROCESS && level != SBM_LEVEL_VM)
            return error(Errc::not_available,
                         "a module runs at the levels `process` and `vm` only");
        CELL_TRY(auto engine, module.make_engine(level, with_defaults(options), system));
        CELL_TRY(auto instance, adopt(std::move(engine)));
        instance->module_ = &module;
        return instance;
    });
}

Result<std::unique_ptr<Instance>> Instance::begin(std::shared_ptr<const image::ModuleFile> file,
                                                  const sbm_options &options,
                                                  const Loading &loading,
                                                  SystemCalls &system) noexcept
{
    return without_throwing([&]() -> Result<std::unique_ptr<Instance>> {
        CELL_CHECK(check_options(options));
        const EngineOptions complete = with_defaults(options);
        auto engine =
            std::make_unique<ModuleEngine>(options.level, complete, loading.host, &system);
        CELL_CHECK(engine->begin(std::move(file), {complete.memory, complete.stack}, loading.rate,
                                 loading.stop));
        return adopt(std::move(engine));
    });
}

Result<std::unique_ptr<Instance>> Instance::adopt(std::unique_ptr<Engine> engine)
{
    std::unique_ptr<Instance> instance(new Instance(std::move(engine)));
    CELL_TRY(instance->birth_mark_, os::anonymous(kPage));
    if (::madvise(instance->birth_mark_.data(), kPage, MADV_WIPEONFORK) != 0)
        return os_error(errno, "the kernel cannot mark a page to be cleared in a child");
    instance->birth_mark_.data()[0] = std::byte{1};
    return instance;
}

void Instance::destroy(std::unique_ptr<Instance> instance) noexcept
{
    // Descriptors and memory of a forked child are its own to give back; the cell's process
    // and threads are the parent's.
    if (instance && instance->birth_mark_.data() && instance->birth_mark_.data()[0] == std::byte{0})
        instance->engine_->abandon();
}

const char *Instance::why_not_enter() noexcept
{
    if (birth_mark_.data()[0] == std::byte{0})
        return "the sandbox belongs to the parent process";
    if (busy_.exchange(true, std::memory_order_acquire))
        return "the sandbox is in a call";
    return nullptr;
}

Result<void> Instance::enter() noexcept
{
    const char *reason = why_not_enter();
    return reason ? Result<void>(Error(Errc::misuse, reason)) : Result<void>();
}

Result<Buffer> Instance::acquire(const BufferRequest &request) noexcept
{
    return without_throwing([&] { return engine_->acquire(request); });
}

Result<void> Instance::require(const Buffer &buffer, Access access) noexcept
{
    return engine_->require(buffer.number, access);
}

void Instance::release(const Buffer &buffer) noexcept
{
    engine_->release(buffer.number);
}

Result<long> Instance::execute(Function function, const void *data, std::size_t size,
                               std::span<const Copy> copies, std::span<const Share> shares) noexcept
{
    return without_throwing([&] { return execute_throwing(function, data, size, copies, shares); });
}

Result<long> Instance::execute_throwing(Function function, const void *data, std::size_t size,
                                        std::span<const Copy> copies, std::span<const Share> shares)
{
    if (aborted_)
        return error(Errc::misuse, "an earlier call was aborted: the sandbox needs a reset");
    if (!function)
        return error(Errc::misuse, "there is no function to call");
    report_.reset();
    for (const Copy &copy : copies)
        if (copy.source && copy.size && copy.buffer.host != copy.source)
            std::memcpy(copy.buffer.host, copy.source, copy.size);
    auto result = engine_->call(function, data, size, shares);
    if (auto fault = engine_->take_fault()) {
        report_.emplace(std::move(*fault));
        aborted_ = true;
    }
    if (!result)
        return result;
    CELL_CHECK(check_surroundings(copies, shares));
    for (const Copy &copy : copies)
        if (copy.target && copy.size && copy.buffer.host != copy.target)
            std::memcpy(copy.target, copy.buffer.host, copy.size);
    return result;
}

// Bytes within a buffer's pages that are not its own were zero. If they are not
// any more, the function wrote outside the buffer, where no page guards it.
Result<void> Instance::check_surroundings(std::span<const Copy> copies,
                                          std::span<const Share> shares)
{
    for (const Copy &copy : copies)
        if (copy.target && !engine_->is_intact(copy.buffer.number))
            return underrun(copy.buffer.address, copy.size);
    for (const Share &share : shares)
        if (share.access == Access::write && !share.memory->is_intact())
            return underrun(share.memory->data(), share.memory->size());
    return {};
}

Error Instance::underrun(const void *address, std::uint64_t size)
{
    aborted_ = true;
    report_.emplace(FaultRecord{.kind = SBM_FAULT_BUFFER_UNDERRUN,
                                .access = SBM_ACCESS_WRITE,
                                .address = reinterpret_cast<std::uint64_t>(address),
                                .registers = std::nullopt,
                                .detail = "next to " + std::to_string(size) + " bytes"});
    return error(Errc::fault, "the call was aborted: %s", report_->record().summary().c_str());
}

const sbm_fault *Instance::fault() noexcept
{
    try {
        return report_ ? report_->get(engine_->image()) : nullptr;
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

Result<void> Instance::provide(std::string_view name, std::string_view signature,
                               sbm::detail::HostFunction function) noexcept
{
    return without_throwing([&] { return engine_->provide(name, signature, std::move(function)); });
}

std::string Instance::log() const
{
    return engine_->image() ? log_of(*engine_->image()) : std::string();
}

std::vector<RefusedCall> Instance::refused_calls() const
{
    return engine_->image() ? refused_calls_of(*engine_->image()) : std::vector<RefusedCall>();
}

Result<void> Instance::reset() noexcept
{
    report_.reset();
    aborted_ = true; // half a reset is none
    CELL_CHECK(without_throwing([&] { return engine_->reset(); }));
    aborted_ = false;
    return {};
}

} // namespace cell::call
