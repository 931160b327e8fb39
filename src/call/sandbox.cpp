// SPDX-License-Identifier: Apache-2.0
//
// <sbm/sandbox.hpp> on top of an instance.
#include "base/checked.hpp"
#include "call/core.hpp"
#include "call/module.hpp"
#include "call/shared_memory.hpp"

#include <array>
#include <new>

namespace sbm {
namespace detail {

void CoreDeleter::operator()(Core *core) const noexcept
{
    cell::call::Instance::destroy(std::move(core->instance));
    delete core;
}

namespace {

// As many buffers as a function of the C interface has parameters, and a result;
// calls with more of them take memory for the list.
constexpr std::size_t kInline = 8;

cell::call::Buffer buffer_of(const Transfer &transfer)
{
    return {transfer.place, transfer.address, static_cast<std::byte *>(transfer.host)};
}

cell::call::SharedMemory *shared_of(const Transfer &transfer)
{
    return static_cast<cell::call::SharedMemory *>(transfer.shared);
}

void release(Core &core, std::span<Transfer> transfers)
{
    for (const Transfer &transfer : transfers) {
        if (transfer.shared)
            shared_of(transfer)->leave();
        else
            core.instance->release(buffer_of(transfer));
    }
}

Result<void> acquire_one(Core &core, Transfer &transfer)
{
    if (transfer.shared)
        return shared_of(transfer)->enter(&core)
                   ? Result<void>()
                   : Error(Errc::misuse, "the buffer is in another call");
    void *caller = transfer.target ? transfer.target : const_cast<void *>(transfer.source);
    auto buffer = core.instance->acquire(
        {.caller = caller,
         .size = transfer.size,
         .alignment = transfer.alignment,
         .access = transfer.target ? cell::call::Access::write : cell::call::Access::read,
         .filled = transfer.source != nullptr});
    if (!buffer)
        return buffer.error();
    transfer.address = buffer->address;
    transfer.host = buffer->host;
    transfer.place = buffer->number;
    return {};
}

// Transfers as the layer below sees them.
struct Lists {
    cell::call::Copy *copies;
    cell::call::Share *shares;
    std::size_t copied = 0, shared = 0;

    void fill(std::span<const Transfer> transfers)
    {
        for (const Transfer &transfer : transfers) {
            if (!transfer.shared)
                copies[copied++] = {transfer.source, transfer.target, transfer.size,
                                    buffer_of(transfer)};
            else
                add(shared_of(transfer),
                    transfer.writable ? cell::call::Access::write : cell::call::Access::read);
        }
    }

private:
    // Memory that a call has twice, it has once, with all the rights.
    void add(cell::call::SharedMemory *memory, cell::call::Access access)
    {
        for (cell::call::Share &share : std::span(shares, shared))
            if (share.memory == memory) {
                if (access == cell::call::Access::write)
                    share.access = access;
                return;
            }
        shares[shared++] = {memory, access};
    }
};

} // namespace

Result<void> acquire(Core &core, std::span<Transfer> transfers) noexcept
{
    // Until the end of execute no other thread comes in.
    if (auto entered = core.instance->enter(); !entered)
        return entered;
    for (std::size_t i = 0; i < transfers.size(); i++) {
        if (auto acquired = acquire_one(core, transfers[i]); !acquired) {
            release(core, transfers.first(i));
            core.instance->leave();
            return acquired;
        }
    }
    return {};
}

Result<SharedBytes> share(std::size_t count, std::size_t size, std::size_t alignment,
                          Guard guard) noexcept
{
    return cell::without_throwing([&]() -> Result<SharedBytes> {
        const auto bytes = cell::checked_multiply(count, size);
        if (!bytes)
            return Error(Errc::no_memory, "the buffer is too large");
        auto memory = cell::call::SharedMemory::create(
            *bytes, alignment,
            guard == Guard::start ? cell::call::GuardAt::start : cell::call::GuardAt::end);
        if (!memory)
            return memory.error();
        void *data = (*memory)->data();
        return SharedBytes{std::move(*memory), data};
    });
}

Result<long> execute(Core &core, Thunk thunk, const void *arguments, std::size_t size,
                     std::span<Transfer> transfers) noexcept
{
    std::array<cell::call::Copy, kInline> few_copies;
    std::array<cell::call::Share, kInline> few_shares;
    std::unique_ptr<cell::call::Copy[]> many_copies;
    std::unique_ptr<cell::call::Share[]> many_shares;
    Lists lists{few_copies.data(), few_shares.data()};
    if (transfers.size() > kInline) {
        many_copies.reset(lists.copies = new (std::nothrow) cell::call::Copy[transfers.size()]);
        many_shares.reset(lists.shares = new (std::nothrow) cell::call::Share[transfers.size()]);
    }
    if (!lists.copies || !lists.shares) {
        release(core, transfers);
        core.instance->leave();
        return Error(Errc::no_memory, "the program has no memory left");
    }
    lists.fill(transfers);
    auto result = core.instance->execute(thunk, arguments, size, {lists.copies, lists.copied},
                                         {lists.shares, lists.shared});
    release(core, transfers);
    core.instance->leave();
    return result;
}

sbm_options plain_options(const Options &options) noexcept
{
    const auto nanoseconds = [](std::chrono::nanoseconds time) {
        return time == no_limit
                   ? SBM_NO_LIMIT
                   : static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 1));
    };
    sbm_options plain{};
    plain.level = static_cast<sbm_level>(options.level);
    plain.memory = options.memory;
    plain.stack = options.stack;
    plain.cpu_time_ns = nanoseconds(options.cpu_time);
    plain.wall_time_ns = nanoseconds(options.wall_time);
    plain.guard = static_cast<sbm_guard>(options.guard);
    return plain;
}

Result<Core *> make_core(Result<std::unique_ptr<cell::call::Instance>> instance) noexcept
{
    if (!instance)
        return instance.error();
    auto *core = new (std::nothrow) Core{std::move(*instance)};
    if (!core)
        return Error(Errc::no_memory, "the program has no memory left");
    return core;
}

bool find_batch(const Core &core, Thunk &thunk) noexcept
{
    if (const cell::call::Module *module = core.instance->module())
        thunk = reinterpret_cast<Thunk>(module->batch());
    return thunk != nullptr;
}

bool is_of(const Core &core, const void *module) noexcept
{
    return core.instance->module() == module;
}

} // namespace detail

Level strongest() noexcept
{
    for (const Level level : {Level::vm, Level::process}) {
        char reason[1];
        if (!sbm_level_missing(static_cast<sbm_level>(level), reason, sizeof reason))
            return level;
    }
    return Level::strongest;
}

Result<Sandbox> Sandbox::create(const Options &options) noexcept
{
    auto core = detail::make_core(cell::call::Instance::create(detail::plain_options(options)));
    return core ? Result<Sandbox>(Sandbox(*core)) : Result<Sandbox>(core.error());
}

Level Sandbox::level() const noexcept
{
    return static_cast<Level>(core_->instance->level());
}
const Fault *Sandbox::fault() const noexcept
{
    return core_->instance->fault();
}
std::string Sandbox::log() const
{
    return core_->instance->log();
}
std::vector<RefusedCall> Sandbox::refused_calls() const
{
    std::vector<RefusedCall> calls;
    for (auto &call : core_->instance->refused_calls())
        calls.push_back({std::move(call.name), call.count});
    return calls;
}
Result<void> Sandbox::provide(std::string_view name, std::string_view signature,
                              detail::HostFunction function) noexcept
{
    cell::call::Instance &instance = *core_->instance;
    if (auto entered = instance.enter(); !entered)
        return entered;
    auto result = instance.provide(name, signature, std::move(function));
    instance.leave();
    return result;
}
bool Sandbox::cancel() noexcept
{
    return core_->instance->cancel();
}
Result<void> Sandbox::set_spin(std::chrono::nanoseconds bound) noexcept
{
    cell::call::Instance &instance = *core_->instance;
    if (auto entered = instance.enter(); !entered)
        return entered;
    auto result =
        instance.set_spin(static_cast<std::uint64_t>(std::max<std::int64_t>(bound.count(), 0)));
    instance.leave();
    return result;
}
Result<void> Sandbox::reset() noexcept
{
    cell::call::Instance &instance = *core_->instance;
    if (auto entered = instance.enter(); !entered)
        return entered;
    auto result = instance.reset();
    instance.leave();
    return result;
}

} // namespace sbm
