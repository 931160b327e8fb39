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
class Module;

struct InstanceEnd {
    void operator()(Instance *instance) const;
};
using InstanceHandle = std::unique_ptr<Instance, InstanceEnd>;

// Why something failed: 0 or a negative errno, and a sentence.
struct BridgeStatus {
    int code = 0;
    std::string text;
};

using ModuleHandle = std::shared_ptr<const Module>;

// From `path`, or if that is NULL from `file`.
BridgeStatus bridge_load(const char *path, std::span<const std::byte> file,
                         const sbm_options &options, ModuleHandle &module);
// `function` is an address in cells.
BridgeStatus bridge_find(const Module &module, const char *name, const char *signature,
                         std::uint64_t &function);
BridgeStatus bridge_create_of(const Module &module, InstanceHandle &instance);
const Module *bridge_module(const Instance &instance);

BridgeStatus bridge_create(const sbm_options &options, InstanceHandle &instance);
const char *bridge_enter(Instance &instance); // nullptr, or a constant: why not
void bridge_leave(Instance &instance);
BridgeStatus bridge_acquire(Instance &instance, const BufferRequest &request, Buffer &buffer);
BridgeStatus bridge_require(Instance &instance, const Buffer &buffer, Access access);
void bridge_release(Instance &instance, const Buffer &buffer);
BridgeStatus bridge_execute(Instance &instance, int (*function)(void *), const void *data,
                            std::size_t size, std::span<const Copy> copies,
                            std::span<const Share> shares, int &value);
struct SharedPlace {
    std::shared_ptr<SharedMemory> memory;
    std::byte *data = nullptr;
    std::uint64_t size = 0;
};
BridgeStatus bridge_share(std::uint64_t size, std::uint64_t alignment, SharedPlace &place);
BridgeStatus bridge_reset(Instance &instance);
const sbm_fault *bridge_fault(Instance &instance);
sbm_level bridge_level(const Instance &instance);

} // namespace cell::call
