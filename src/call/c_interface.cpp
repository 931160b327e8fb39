// SPDX-License-Identifier: Apache-2.0
//
// <sbm/sbm.h>: the lists of buffers and the sticky error, on top of an instance.
#include "base/checked.hpp"
#include "call/bridge.hpp"

#include <sbm/sbm.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <vector>

using cell::call::Access;
using cell::call::BridgeStatus;
using cell::call::Buffer;
using cell::call::BufferRequest;
using cell::call::Copy;
using cell::call::InstanceHandle;
using cell::call::Share;
using cell::call::SharedMemory;
using cell::call::SharedPlace;

struct sbm_module {
    cell::call::ModuleHandle handle;
};

namespace {

struct OwnedBuffer : sbm_buf {
    Buffer place{};
    SharedMemory *shared = nullptr; // that it lies in: then it has no place, and is not copied
};

struct State {
    InstanceHandle instance; // empty if it could not be made
    std::string error;
    std::atomic<const char *> refusal{nullptr}; // in place of `error`
    std::vector<Copy> copies; // of the current call; kept, so that calls take no memory
    std::vector<Share> shares;
    std::vector<std::unique_ptr<OwnedBuffer>> buffers;
    std::vector<SharedPlace> shared;
    // Of a module: the function that was looked up last, by the constants that name it.
    const char *name = nullptr, *signature = nullptr;
    sbm_func function = nullptr;
};

State *state_of(const struct sbm *sbm)
{
    return static_cast<State *>(sbm->state);
}

bool has_instance(const struct sbm *sbm)
{
    return sbm->state && state_of(sbm)->instance;
}

// Another thread may be in a call, and be refused something itself: then no more than
// these words is written.
void set_error(struct sbm *sbm, int code)
{
    __atomic_store_n(&sbm->error, code, __ATOMIC_RELAXED);
}
int error_of(const struct sbm *sbm)
{
    return __atomic_load_n(&sbm->error, __ATOMIC_RELAXED);
}

// Makes a failure sticky. True if it was one. Only for whoever has entered the instance,
// or made it just now.
bool fail(struct sbm *sbm, const BridgeStatus &status)
{
    if (status.code == 0)
        return false;
    set_error(sbm, status.code);
    if (State *state = state_of(sbm)) {
        state->refusal = nullptr;
        state->error = status.text;
    }
    return true;
}

// The same for somebody who may not enter. `reason` is a constant.
void refuse(struct sbm *sbm, int code, const char *reason)
{
    set_error(sbm, code);
    if (State *state = state_of(sbm))
        state->refusal = reason;
}

// Runs `work` where exceptions must end; what it cannot have is -ENOMEM.
template <class Work, class Value> Value in_c(struct sbm *sbm, Value failed, Work &&work) noexcept
{
    try {
        return work();
    } catch (const std::bad_alloc &) {
        refuse(sbm, -ENOMEM, "the program has no memory left");
        return failed;
    }
}

// The instance for this thread alone, for a block; nothing while a call is on.
class Entered {
public:
    // After an error only with `failed_too`.
    explicit Entered(struct sbm *sbm, bool failed_too = false)
        : code_(failed_too ? 0 : error_of(sbm))
    {
        if (code_)
            return;
        const char *reason = "the sandbox was destroyed, or never made";
        if (has_instance(sbm))
            reason = cell::call::bridge_enter(*state_of(sbm)->instance);
        if (reason)
            refuse(sbm, code_ = -EINVAL, reason);
        else
            state_ = state_of(sbm);
    }
    ~Entered()
    {
        if (state_)
            cell::call::bridge_leave(*state_->instance);
    }
    Entered(const Entered &) = delete;
    Entered &operator=(const Entered &) = delete;

    State *operator->() const { return state_; }
    State &operator*() const { return *state_; }
    explicit operator bool() const { return state_ != nullptr; }
    int code() const { return code_; } // why not: the sticky error, or this refusal's

private:
    int code_;
    State *state_ = nullptr;
};

// A buffer in no list. Its caller's bytes may be NULL for one that only the cell has.
OwnedBuffer *allocate_throwing(struct sbm *sbm, const BufferRequest &request)
{
    const Entered state(sbm);
    if (!state)
        return nullptr;
    auto buffer = std::make_unique<OwnedBuffer>();
    state->buffers.reserve(state->buffers.size() + 1);
    if (fail(sbm, cell::call::bridge_acquire(*state->instance, request, buffer->place)))
        return nullptr;
    buffer->kern_ptr = request.caller;
    buffer->sbm_ptr = buffer->place.address;
    buffer->size = request.size;
    state->buffers.push_back(std::move(buffer));
    return state->buffers.back().get();
}
OwnedBuffer *allocate(struct sbm *sbm, const BufferRequest &request)
{
    return in_c(sbm, static_cast<OwnedBuffer *>(nullptr),
                [&] { return allocate_throwing(sbm, request); });
}

void *add(struct sbm *sbm, struct sbm_buf **list, void *caller, std::size_t size,
          std::size_t alignment)
{
    constexpr std::size_t kLargestAlignment = 4096;
    if (!error_of(sbm) && !caller && size)
        refuse(sbm, -EINVAL, "a buffer is NULL");
    if (!error_of(sbm) && (!std::has_single_bit(alignment) || alignment > kLargestAlignment))
        refuse(sbm, -EINVAL, "an alignment is no power of two up to 4096");
    const bool is_input = list == &sbm->input, is_output = list == &sbm->output;
    OwnedBuffer *buffer = allocate(sbm, {.caller = caller,
                                         .size = size,
                                         .alignment = alignment,
                                         .access = is_input ? Access::read : Access::write,
                                         .filled = !is_output});
    if (!buffer)
        return nullptr;
    buffer->next = *list;
    *list = buffer;
    return buffer->sbm_ptr;
}

std::uint64_t address_of(const void *bytes)
{
    return reinterpret_cast<std::uint64_t>(bytes);
}

bool contains(const SharedPlace &place, const void *buf, std::size_t size)
{
    return cell::contains(address_of(place.data), place.size, address_of(buf), size);
}

// The instance's own memory that `buf` lies in, or nullptr.
const SharedPlace *find_shared(const State &state, const void *buf)
{
    for (const SharedPlace &place : state.shared)
        if (contains(place, buf, 0))
            return &place;
    return nullptr;
}

// A buffer that is where it is. False if the bytes are to be copied.
bool map_shared(struct sbm *sbm, struct sbm_buf **list, void *buf, std::size_t size, void *&result)
{
    const Entered state(sbm);
    if (!state)
        return true; // the error is set
    const SharedPlace *place = find_shared(*state, buf);
    if (!place)
        return false;
    if (!contains(*place, buf, size)) {
        fail(sbm, {-EINVAL, "the bytes to map leave the shared memory that they begin in"});
        return true;
    }
    auto buffer = std::make_unique<OwnedBuffer>();
    buffer->kern_ptr = buffer->sbm_ptr = result = buf;
    buffer->size = size;
    buffer->shared = place->memory.get();
    buffer->next = *list;
    state->buffers.push_back(std::move(buffer));
    *list = state->buffers.back().get();
    return true;
}

void *alloc_shared(struct sbm *sbm, std::size_t size)
{
    const Entered state(sbm);
    if (!state)
        return nullptr;
    SharedPlace place;
    if (fail(sbm, cell::call::bridge_share(size, alignof(std::max_align_t), place)))
        return nullptr;
    state->shared.push_back(place);
    return place.data;
}

void free_shared(struct sbm *sbm, const void *data)
{
    const Entered state(sbm, true);
    if (!state)
        return;
    const auto at = std::find_if(state->shared.begin(), state->shared.end(),
                                 [&](const SharedPlace &place) { return place.data == data; });
    if (at == state->shared.end())
        return refuse(sbm, -EINVAL, "this is no shared memory of the instance");
    for (const auto &buffer : state->buffers)
        if (buffer->shared == at->memory.get())
            return refuse(sbm, -EINVAL, "a registered buffer lies in the shared memory");
    state->shared.erase(at);
}

// A mapping is where the caller's bytes are, as far as alignment goes; flush to a guard
// page it is not promised to be.
std::size_t alignment_of_mapping(const void *buf)
{
    constexpr std::uintptr_t kCacheLine = 64;
    const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(buf) | kCacheLine;
    return address & (~address + 1); // the lowest bit that is set
}

void *map(struct sbm *sbm, struct sbm_buf **list, void *buf, std::size_t size)
{
    void *result = nullptr;
    const bool is_shared =
        in_c(sbm, true, [&] { return map_shared(sbm, list, buf, size, result); });
    return is_shared ? result : add(sbm, list, buf, size, alignment_of_mapping(buf));
}

// Memory that several buffers lie in is shared once, with all the rights.
void add_share(State &state, const Share &share)
{
    for (Share &other : state.shares)
        if (other.memory == share.memory) {
            if (share.access == Access::write)
                other.access = Access::write;
            return;
        }
    state.shares.push_back(share);
}

// Appends what a list means to the copies of a call. Every node comes from sbm_alloc_buf, so
// it is an OwnedBuffer.
BridgeStatus collect(State &state, sbm_buf *list, bool in, bool out)
{
    const Access access = out ? Access::write : Access::read;
    for (sbm_buf *node = list; node; node = node->next) {
        auto *buffer = static_cast<OwnedBuffer *>(node);
        if (buffer->shared) {
            add_share(state, {buffer->shared, access});
            continue;
        }
        if (auto status = cell::call::bridge_require(*state.instance, buffer->place, access);
            status.code)
            return status;
        state.copies.push_back({in ? buffer->kern_ptr : nullptr, out ? buffer->kern_ptr : nullptr,
                                buffer->size, buffer->place});
    }
    return {};
}

int execute(struct sbm *sbm, sbm_func func, const void *data, std::size_t size)
{
    const Entered state(sbm);
    if (!state)
        return state.code();
    state->copies.clear();
    state->shares.clear();
    int value = 0;
    auto status = collect(*state, sbm->input, true, false);
    if (!status.code)
        status = collect(*state, sbm->output, false, true);
    if (!status.code)
        status = collect(*state, sbm->io, true, true);
    if (!status.code)
        status = cell::call::bridge_execute(*state->instance, func, data, size, state->copies,
                                            state->shares, value);
    // Not by way of the sticky error, which a thread that misuses the instance may change.
    return fail(sbm, status) ? status.code : value;
}

void tell(const std::string &text, char *reason, std::size_t size)
{
    if (!reason || size == 0)
        return;
    const std::size_t length = text.copy(reason, size - 1);
    reason[length] = '\0';
}

sbm_module *load(const char *path, std::span<const std::byte> file, const sbm_options *options,
                 char *reason, std::size_t size) noexcept
{
    try {
        auto module = std::make_unique<sbm_module>();
        const sbm_options standard{};
        const auto status =
            cell::call::bridge_load(path, file, options ? *options : standard, module->handle);
        if (status.code == 0)
            return module.release();
        tell(status.text, reason, size);
    } catch (const std::bad_alloc &) {
        tell("the program has no memory left", reason, size);
    }
    return nullptr;
}

// Calls of one function after another are looked up once.
sbm_func find_function(struct sbm *sbm, const char *name, const char *signature)
{
    const Entered state(sbm);
    if (!state)
        return nullptr;
    if (state->name == name && state->signature == signature)
        return state->function;
    const cell::call::Module *module = cell::call::bridge_module(*state->instance);
    if (!module) {
        fail(sbm, {-EINVAL, "the instance was not made from a module"});
        return nullptr;
    }
    std::uint64_t function = 0;
    if (fail(sbm, cell::call::bridge_find(*module, name, signature, function)))
        return nullptr;
    state->name = name;
    state->signature = signature;
    return state->function = reinterpret_cast<sbm_func>(function);
}

} // namespace

extern "C" {

struct sbm_module *sbm_module_load(const char *path, const struct sbm_options *options,
                                   char *reason, size_t size)
{
    return load(path, {}, options, reason, size);
}

struct sbm_module *sbm_module_load_bytes(const void *file, size_t file_size,
                                         const struct sbm_options *options, char *reason,
                                         size_t size)
{
    return load(nullptr, {static_cast<const std::byte *>(file), file_size}, options, reason, size);
}

void sbm_module_unload(struct sbm_module *module)
{
    delete module;
}

sbm_func sbm_module_function(const struct sbm_module *module, const char *name,
                             const char *signature, char *reason, size_t size)
{
    try {
        std::uint64_t function = 0;
        const auto status = cell::call::bridge_find(*module->handle, name, signature, function);
        if (status.code == 0)
            return reinterpret_cast<sbm_func>(function);
        tell(status.text, reason, size);
    } catch (const std::bad_alloc &) {
        tell("the program has no memory left", reason, size);
    }
    return nullptr;
}

int sbm_init_module(struct sbm *sbm, const struct sbm_module *module)
{
    *sbm = {};
    return in_c(sbm, -ENOMEM, [&] {
        auto state = std::make_unique<State>();
        const auto status = module ? cell::call::bridge_create_of(*module->handle, state->instance)
                                   : BridgeStatus{-EINVAL, "there is no module"};
        sbm->state = state.release();
        fail(sbm, status);
        return sbm->error;
    });
}

int sbm_exec_module(struct sbm *sbm, const char *name, const char *signature, const void *arguments,
                    size_t size)
{
    return in_c(sbm, -ENOMEM, [&] {
        const sbm_func function = find_function(sbm, name, signature);
        return function ? execute(sbm, function, arguments, size) : error_of(sbm);
    });
}

int sbm_init(struct sbm *sbm)
{
    return sbm_init_with(sbm, nullptr);
}

int sbm_init_with(struct sbm *sbm, const struct sbm_options *options)
{
    *sbm = {};
    return in_c(sbm, -ENOMEM, [&] {
        auto state = std::make_unique<State>();
        const sbm_options standard{};
        const auto status =
            cell::call::bridge_create(options ? *options : standard, state->instance);
        sbm->state = state.release();
        fail(sbm, status);
        return sbm->error;
    });
}

void sbm_destroy(struct sbm *sbm)
{
    delete state_of(sbm);
    sbm->state = nullptr;
    sbm->input = sbm->output = sbm->io = nullptr;
}

int sbm_error(const struct sbm *sbm)
{
    return error_of(sbm);
}

const char *sbm_error_text(const struct sbm *sbm)
{
    if (!error_of(sbm) || !sbm->state)
        return "";
    const char *refusal = state_of(sbm)->refusal;
    return refusal ? refusal : state_of(sbm)->error.c_str();
}

enum sbm_level sbm_level(const struct sbm *sbm)
{
    return has_instance(sbm) ? cell::call::bridge_level(*state_of(sbm)->instance)
                             : SBM_LEVEL_STRONGEST;
}

const struct sbm_fault *sbm_fault(const struct sbm *sbm)
{
    return has_instance(sbm) ? cell::call::bridge_fault(*state_of(sbm)->instance) : nullptr;
}

int sbm_reset(struct sbm *sbm)
{
    if (!has_instance(sbm))
        return error_of(sbm) ? error_of(sbm) : -EINVAL;
    return in_c(sbm, -ENOMEM, [&] {
        const Entered state(sbm, true);
        if (!state)
            return state.code();
        set_error(sbm, 0);
        const auto status = cell::call::bridge_reset(*state->instance);
        fail(sbm, status);
        return status.code;
    });
}

void sbm_release_buffers(struct sbm *sbm)
{
    State *state = state_of(sbm);
    // Also of an instance that failed; but not while its call uses them.
    if (!has_instance(sbm) || cell::call::bridge_enter(*state->instance))
        return;
    sbm->input = sbm->output = sbm->io = nullptr;
    for (const auto &buffer : state->buffers)
        if (!buffer->shared)
            cell::call::bridge_release(*state->instance, buffer->place);
    state->buffers.clear();
    cell::call::bridge_leave(*state->instance);
}

int sbm_exec(struct sbm *sbm, sbm_func func, void *data)
{
    return in_c(sbm, -ENOMEM, [&] { return execute(sbm, func, data, 0); });
}

int sbm_exec_arguments(struct sbm *sbm, sbm_func func, const void *arguments, size_t size)
{
    return in_c(sbm, -ENOMEM, [&] { return execute(sbm, func, arguments, size); });
}

struct sbm_buf *sbm_alloc_buf(struct sbm *sbm, size_t size)
{
    return allocate(sbm, {.caller = nullptr,
                          .size = size,
                          .alignment = 1,
                          .access = Access::write,
                          .filled = false});
}

void *sbm_add_buf(struct sbm *sbm, struct sbm_buf **list, const void *buf, size_t size)
{
    return add(sbm, list, const_cast<void *>(buf), size, 1);
}

void *sbm_add_aligned_buf(struct sbm *sbm, struct sbm_buf **list, const void *buf, size_t size,
                          size_t alignment)
{
    return add(sbm, list, const_cast<void *>(buf), size, alignment);
}

void *sbm_alloc_shared(struct sbm *sbm, size_t size)
{
    return in_c(sbm, static_cast<void *>(nullptr), [&] { return alloc_shared(sbm, size); });
}

void sbm_free_shared(struct sbm *sbm, void *memory)
{
    if (memory)
        free_shared(sbm, memory);
}

void *sbm_map_readonly(struct sbm *sbm, const void *buf, size_t size)
{
    return map(sbm, &sbm->input, const_cast<void *>(buf), size);
}

void *sbm_map_writable(struct sbm *sbm, void *buf, size_t size)
{
    return map(sbm, &sbm->io, buf, size);
}

} // extern "C"
