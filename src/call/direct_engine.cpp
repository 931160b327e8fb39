// SPDX-License-Identifier: Apache-2.0
//
// Level `none`: the function is called, with the caller's own buffers.
#include "call/engine.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

namespace cell::call {
namespace {

class DirectEngine final : public Engine {
public:
    sbm_level level() const override { return SBM_LEVEL_NONE; }

    Result<Buffer> acquire(const BufferRequest &request) override
    {
        // A buffer that only the function is to see gets memory of its own.
        if (!request.caller && request.size)
            return owned(request.size);
        return Buffer{0, request.caller, static_cast<std::byte *>(request.caller)};
    }
    Result<void> require(std::uint32_t, Access) override { return {}; }
    void release(std::uint32_t buffer) override
    {
        if (buffer != 0)
            owned_[buffer - 1].reset();
    }
    bool is_intact(std::uint32_t) const override { return true; }

    Result<long> call(Function function, const void *data, std::size_t,
                      std::span<const Share>) override
    {
        return function(const_cast<void *>(data));
    }
    std::optional<FaultRecord> take_fault() override { return std::nullopt; }
    Result<void> reset() override { return {}; }

private:
    Result<Buffer> owned(std::uint64_t size)
    {
        std::unique_ptr<std::byte[]> memory(new (std::nothrow) std::byte[size]());
        if (!memory)
            return error(Errc::no_memory, "no memory for a buffer");
        auto place = std::find(owned_.begin(), owned_.end(), nullptr);
        if (place == owned_.end())
            place = owned_.emplace(place);
        *place = std::move(memory);
        return Buffer{static_cast<std::uint32_t>(place - owned_.begin()) + 1, place->get(),
                      place->get()};
    }

    std::vector<std::unique_ptr<std::byte[]>> owned_; // a buffer's number is one more
};

} // namespace

std::unique_ptr<Engine> make_direct_engine()
{
    return std::make_unique<DirectEngine>();
}

} // namespace cell::call
