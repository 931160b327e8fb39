// SPDX-License-Identifier: Apache-2.0
#include "call/bridge.hpp"

#include "call/instance.hpp"
#include "call/module.hpp"
#include "call/shared_memory.hpp"

namespace cell::call {
namespace {

template <class T> BridgeStatus status_of(const Result<T> &result)
{
    if (result)
        return {};
    return {-static_cast<int>(result.error().code()), result.error().text()};
}

} // namespace

void InstanceEnd::operator()(Instance *instance) const
{
    Instance::destroy(std::unique_ptr<Instance>(instance));
}

BridgeStatus bridge_create(const sbm_options &options, InstanceHandle &instance)
{
    auto made = Instance::create(options);
    if (made)
        instance.reset(made->release());
    return status_of(made);
}

BridgeStatus bridge_load(const char *path, std::span<const std::byte> file,
                         const sbm_options &options, ModuleHandle &module)
{
    const auto loaded = without_throwing([&]() -> Result<ModuleHandle> {
        CELL_TRY(auto checked,
                 path ? image::ModuleFile::load(path) : image::ModuleFile::parse(file));
        return Module::load(std::move(checked), options);
    });
    if (loaded)
        module = *loaded;
    return status_of(loaded);
}

BridgeStatus bridge_find(const Module &module, const char *name, const char *signature,
                         std::uint64_t &function)
{
    const auto found = module.find(name, signature ? signature : "");
    if (found)
        function = module.address_of(**found);
    return status_of(found);
}

BridgeStatus bridge_create_of(const Module &module, InstanceHandle &instance)
{
    auto made = Instance::create(module, module.options());
    if (made)
        instance.reset(made->release());
    return status_of(made);
}

const Module *bridge_module(const Instance &instance)
{
    return instance.module();
}

const char *bridge_enter(Instance &instance)
{
    return instance.why_not_enter();
}

void bridge_leave(Instance &instance)
{
    instance.leave();
}

BridgeStatus bridge_acquire(Instance &instance, const BufferRequest &request, Buffer &buffer)
{
    const auto acquired = instance.acquire(request);
    if (acquired)
        buffer = *acquired;
    return status_of(acquired);
}

BridgeStatus bridge_require(Instance &instance, const Buffer &buffer, Access access)
{
    return status_of(instance.require(buffer, access));
}

void bridge_release(Instance &instance, const Buffer &buffer)
{
    instance.release(buffer);
}

BridgeStatus bridge_execute(Instance &instance, int (*function)(void *), const void *data,
                            std::size_t size, std::span<const Copy> copies,
                            std::span<const Share> shares, int &value)
{
    // A function that returns int leaves the upper half of the register as it is.
    const auto result =
        instance.execute(reinterpret_cast<Function>(reinterpret_cast<void (*)()>(function)), data,
                         size, copies, shares);
    if (result)
        value = static_cast<int>(*result);
    return status_of(result);
}

BridgeStatus bridge_share(std::uint64_t size, std::uint64_t alignment, SharedPlace &place)
{
    auto made = SharedMemory::create(size, alignment, GuardAt::end);
    if (made)
        place = {*made, (*made)->data(), size};
    return status_of(made);
}

BridgeStatus bridge_reset(Instance &instance)
{
    return status_of(instance.reset());
}
const sbm_fault *bridge_fault(Instance &instance)
{
    return instance.fault();
}
sbm_level bridge_level(const Instance &instance)
{
    return instance.level();
}

} // namespace cell::call
