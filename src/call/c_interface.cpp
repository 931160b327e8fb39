// SPDX-License-Identifier: Apache-2.0
//
// <sbm/sbm.h>: the lists of buffers and the sticky error, on top of an instance.
#include "call/bridge.hpp"

#include <sbm/sbm.h>

#include <bit>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

using cell::call::Access;
using cell::call::BridgeStatus;
using cell::call::Buffer;
using cell::call::BufferRequest;
using cell::call::Copy;
using cell::call::InstanceHandle;

namespace {

struct OwnedBuffer : sbm_buf {
    Buffer place{};
};

struct State {
    InstanceHandle instance; // empty if it could not be made
    std::string error;
    std::vector<Copy> copies; // of the current call; kept, so that calls take no memory
    std::vector<std::unique_ptr<OwnedBuffer>> buffers;
};

State *state_of(const struct sbm *sbm)
{
    return static_cast<State *>(sbm->state);
}

bool has_instance(const struct sbm *sbm)
{
    return sbm->state && state_of(sbm)->instance;
}

// Makes a failure sticky. True if it was one.
bool fail(struct sbm *sbm, const BridgeStatus &status)
{
    if (status.code == 0)
        return false;
    sbm->error = status.code;
    if (State *state = state_of(sbm))
        state->error = status.text;
    return true;
}

// The state of an instance that works, or nullptr and the sticky error.
State *usable(struct sbm *sbm)
{
    if (sbm->error)
        return nullptr;
    State *state = state_of(sbm);
    if (!state)
        sbm->error = -EINVAL; // destroyed, or never made
    return state;
}

// The instance for this thread alone, for a block; nothing while a call is on.
class Entered {
public:
    explicit Entered(struct sbm *sbm)
    {
        State *state = usable(sbm);
        if (state && !fail(sbm, cell::call::bridge_enter(*state->instance)))
            state_ = state;
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

private:
    State *state_ = nullptr;
};

// A buffer in no list. Its caller's bytes may be NULL for one that only the cell has.
OwnedBuffer *allocate(struct sbm *sbm, const BufferRequest &request)
{
    const Entered state(sbm);
    if (!state)
        return nullptr;
    auto buffer = std::make_unique<OwnedBuffer>();
    if (fail(sbm, cell::call::bridge_acquire(*state->instance, request, buffer->place)))
        return nullptr;
    buffer->kern_ptr = request.caller;
    buffer->sbm_ptr = buffer->place.address;
    buffer->size = request.size;
    state->buffers.push_back(std::move(buffer));
    return state->buffers.back().get();
}

void *add(struct sbm *sbm, struct sbm_buf **list, void *caller, std::size_t size,
          std::size_t alignment)
{
    constexpr std::size_t kLargestAlignment = 4096;
    if (!sbm->error && !caller && size)
        fail(sbm, {-EINVAL, "a buffer is NULL"});
    if (!sbm->error && (!std::has_single_bit(alignment) || alignment > kLargestAlignment))
        fail(sbm, {-EINVAL, "an alignment is no power of two up to 4096"});
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

// A mapping is where the caller's bytes are, as far as alignment goes; flush to a guard
// page it is not promised to be.
std::size_t alignment_of_mapping(const void *buf)
{
    constexpr std::uintptr_t kCacheLine = 64;
    const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(buf) | kCacheLine;
    return address & (~address + 1); // the lowest bit that is set
}

// Appends what a list means to the copies of a call. Every node comes from sbm_alloc_buf, so
// it is an OwnedBuffer.
BridgeStatus collect(State &state, sbm_buf *list, bool in, bool out)
{
    const Access access = out ? Access::write : Access::read;
    for (sbm_buf *node = list; node; node = node->next) {
        auto *buffer = static_cast<OwnedBuffer *>(node);
        if (auto status = cell::call::bridge_decide(*state.instance, buffer->place, access);
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
        return sbm->error;
    state->copies.clear();
    int value = 0;
    if (fail(sbm, collect(*state, sbm->input, true, false)) ||
        fail(sbm, collect(*state, sbm->output, false, true)) ||
        fail(sbm, collect(*state, sbm->io, true, true)) ||
        fail(sbm,
             cell::call::bridge_execute(*state->instance, func, data, size, state->copies, value)))
        return sbm->error;
    return value;
}

} // namespace

extern "C" {

int sbm_init(struct sbm *sbm)
{
    return sbm_init_with(sbm, nullptr);
}

int sbm_init_with(struct sbm *sbm, const struct sbm_options *options)
{
    *sbm = {};
    auto state = std::make_unique<State>();
    const sbm_options standard{};
    const auto status = cell::call::bridge_create(options ? *options : standard, state->instance);
    sbm->state = state.release();
    fail(sbm, status);
    return sbm->error;
}

void sbm_destroy(struct sbm *sbm)
{
    delete state_of(sbm);
    sbm->state = nullptr;
    sbm->input = sbm->output = sbm->io = nullptr;
}

int sbm_error(const struct sbm *sbm)
{
    return sbm->error;
}

const char *sbm_error_text(const struct sbm *sbm)
{
    return sbm->error && sbm->state ? state_of(sbm)->error.c_str() : "";
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
        return sbm->error ? sbm->error : -EINVAL;
    sbm->error = 0;
    if (const Entered state(sbm); state)
        fail(sbm, cell::call::bridge_reset(*state->instance));
    return sbm->error;
}

void sbm_release_buffers(struct sbm *sbm)
{
    State *state = state_of(sbm);
    // Also of an instance that failed; but not while its call uses them.
    if (!has_instance(sbm) || cell::call::bridge_enter(*state->instance).code)
        return;
    sbm->input = sbm->output = sbm->io = nullptr;
    for (const auto &buffer : state->buffers)
        cell::call::bridge_release(*state->instance, buffer->place);
    state->buffers.clear();
    cell::call::bridge_leave(*state->instance);
}

int sbm_exec(struct sbm *sbm, sbm_func func, void *data)
{
    return execute(sbm, func, data, 0);
}

int sbm_exec_arguments(struct sbm *sbm, sbm_func func, const void *arguments, size_t size)
{
    return execute(sbm, func, arguments, size);
}

struct sbm_buf *sbm_alloc_buf(struct sbm *sbm, size_t size)
{
    return allocate(sbm, {.caller = nullptr,
                          .size = size,
                          .alignment = 1,
                          .access = Access::undecided,
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

void *sbm_map_readonly(struct sbm *sbm, const void *buf, size_t size)
{
    return add(sbm, &sbm->input, const_cast<void *>(buf), size, alignment_of_mapping(buf));
}

void *sbm_map_writable(struct sbm *sbm, void *buf, size_t size)
{
    return add(sbm, &sbm->io, buf, size, alignment_of_mapping(buf));
}

} // extern "C"
