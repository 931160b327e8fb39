// SPDX-License-Identifier: Apache-2.0
#include "call/bridge.hpp"

#include "call/instance.hpp"

#include <vector>

namespace cell::call {
namespace {

template <class T> BridgeStatus status_of(const Result<T> &result)
{
    if (result)
        return {};
    return {-static_cast<int>(result.error().code()), result.error().text()};
}

Access access_of(BridgeAccess access)
{
    switch (access) {
    case BridgeAccess::read: return Access::read;
    case BridgeAccess::write: return Access::write;
    case BridgeAccess::undecided: break;
    }
    return Access::undecided;
}

Buffer buffer_of(const BridgeBuffer &buffer)
{
    return {buffer.number, buffer.address, static_cast<std::byte *>(buffer.host)};
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

BridgeStatus bridge_acquire(Instance &instance, void *caller, std::size_t size, BridgeAccess access,
                   bool filled, BridgeBuffer &buffer)
{
    const auto acquired = instance.acquire({.caller = caller, .size = size, .alignment = 1,
                                            .access = access_of(access), .filled = filled});
    if (acquired)
        buffer = {acquired->number, acquired->address, acquired->host};
    return status_of(acquired);
}

BridgeStatus bridge_decide(Instance &instance, const BridgeBuffer &buffer, BridgeAccess access)
{
    return status_of(instance.decide(buffer_of(buffer), access_of(access)));
}

void bridge_release(Instance &instance, const BridgeBuffer &buffer)
{
    instance.release(buffer_of(buffer));
}

BridgeStatus bridge_execute(Instance &instance, int (*function)(void *), const void *data, std::size_t size,
                   std::span<const BridgeCopy> copies, int &value)
{
    std::vector<Copy> list;
    list.reserve(copies.size());
    for (const BridgeCopy &copy : copies)
        list.push_back({copy.source, copy.target, copy.size, buffer_of(copy.buffer)});
    // A function that returns int leaves the upper half of the register as it is.
    const auto result =
        instance.execute(reinterpret_cast<Function>(reinterpret_cast<void (*)()>(function)), data, size,
                         list);
    if (result)
        value = static_cast<int>(*result);
    return status_of(result);
}

BridgeStatus bridge_reset(Instance &instance) { return status_of(instance.reset()); }
const sbm_fault *bridge_fault(Instance &instance) { return instance.fault(); }
sbm_level bridge_level(const Instance &instance) { return instance.level(); }

} // namespace cell::call
