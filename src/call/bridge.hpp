// SPDX-License-Identifier: Apache-2.0
//
// What the C interface needs of Instance, without the C++ interface's types:
// `struct sbm` and `namespace sbm` cannot be in one source file.
#pragma once

#include <sbm/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace cell::call {

class Instance;

struct InstanceEnd {
    void operator()(Instance *instance) const;
};
using InstanceHandle = std::unique_ptr<Instance, InstanceEnd>;

struct BridgeBuffer {
    std::uint32_t number = 0;
    void *address = nullptr; // as the function sees it
    void *host = nullptr;
};

struct BridgeCopy {
    const void *source;
    void *target;
    std::uint64_t size;
    BridgeBuffer buffer;
};

enum class BridgeAccess { undecided, read, write };

// Why something failed: 0 or a negative errno, and a sentence.
struct BridgeStatus {
    int code = 0;
    std::string text;
};

BridgeStatus bridge_create(const sbm_options &options, InstanceHandle &instance);
BridgeStatus bridge_acquire(Instance &instance, void *caller, std::size_t size, BridgeAccess access,
                   bool filled, BridgeBuffer &buffer);
BridgeStatus bridge_decide(Instance &instance, const BridgeBuffer &buffer, BridgeAccess access);
void bridge_release(Instance &instance, const BridgeBuffer &buffer);
BridgeStatus bridge_execute(Instance &instance, int (*function)(void *), const void *data, std::size_t size,
                   std::span<const BridgeCopy> copies, int &value);
BridgeStatus bridge_reset(Instance &instance);
const sbm_fault *bridge_fault(Instance &instance);
sbm_level bridge_level(const Instance &instance);

} // namespace cell::call
