// SPDX-License-Identifier: Apache-2.0
//
// What the C interface needs of Instance, without the C++ interface's types:
// `struct sbm` and `namespace sbm` cannot be in one source file.
#pragma once

#include "call/buffer.hpp"

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

// Why something failed: 0 or a negative errno, and a sentence.
struct BridgeStatus {
    int code = 0;
    std::string text;
};

BridgeStatus bridge_create(const sbm_options &options, InstanceHandle &instance);
const char *bridge_enter(Instance &instance); // nullptr, or a constant: why not
void bridge_leave(Instance &instance);
BridgeStatus bridge_acquire(Instance &instance, const BufferRequest &request, Buffer &buffer);
BridgeStatus bridge_require(Instance &instance, const Buffer &buffer, Access access);
void bridge_release(Instance &instance, const Buffer &buffer);
BridgeStatus bridge_execute(Instance &instance, int (*function)(void *), const void *data,
                            std::size_t size, std::span<const Copy> copies, int &value);
BridgeStatus bridge_reset(Instance &instance);
const sbm_fault *bridge_fault(Instance &instance);
sbm_level bridge_level(const Instance &instance);

} // namespace cell::call
