// SPDX-License-Identifier: Apache-2.0
//
// In the host: what kind of stream the cell opens. The rest is in modules/stream.hpp.
#include <sbm/modules/zstd.hpp>

#include "modules/stream.hpp"
#include "modules/zstd/calls.hpp"

#include <sbm_zstd_module.module.hpp>

namespace sbm::zstd {
namespace {

using modules::Message;
using modules::StreamState;
using Bytes = std::vector<std::byte>;

// What prepares a stream of the one kind or the other.
Result<void> prepare_decompressor(StreamState &stream)
{
    auto open = stream.module().function<calls::OpenDecompressor>("open_decompressor");
    if (!open)
        return open.error();
    stream.prepare([open = *open](Sandbox &sandbox, auto /*size*/, Untrusted<Message> &message) {
        return sandbox.call(open, message);
    });
    return {};
}

auto compressing(int level)
{
    return [level](StreamState &stream) -> Result<void> {
        auto open = stream.module().function<calls::OpenCompressor>("open_compressor");
        if (!open)
            return open.error();
        stream.prepare([open = *open, level](Sandbox &sandbox, std::optional<std::uint64_t> size,
                                             Untrusted<Message> &message) {
            return sandbox.call(open, level, size.value_or(calls::kUnknownSize), message);
        });
        return {};
    };
}

} // namespace

Decompressor::Decompressor(std::unique_ptr<StreamState> state) noexcept : Stream(std::move(state))
{
}
Compressor::Compressor(std::unique_ptr<StreamState> state) noexcept : Stream(std::move(state)) {}

Result<Decompressor> Decompressor::create(const modules::Limits &limits) noexcept
{
    return modules::without_throwing([&]() -> Result<Decompressor> {
        auto state = modules::make_stream(sbm_zstd_module_module(), limits, prepare_decompressor);
        if (!state)
            return state.error();
        return Decompressor(std::move(*state));
    });
}

Result<Compressor> Compressor::create(int level, const modules::Limits &limits) noexcept
{
    return modules::without_throwing([&]() -> Result<Compressor> {
        auto state = modules::make_stream(sbm_zstd_module_module(), limits, compressing(level));
        if (!state)
            return state.error();
        return Compressor(std::move(*state));
    });
}

Result<Bytes> decompress(std::span<const std::byte> input) noexcept
{
    return modules::in_own_cell<sbm_zstd_module_module>(input, prepare_decompressor);
}

Result<Bytes> compress(std::span<const std::byte> input, int level) noexcept
{
    return modules::in_own_cell<sbm_zstd_module_module>(input, compressing(level));
}

} // namespace sbm::zstd

template class sbm::modules::Stream<sbm::zstd::Decompressor>;
template class sbm::modules::Stream<sbm::zstd::Compressor>;
