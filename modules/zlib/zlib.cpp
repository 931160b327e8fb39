// SPDX-License-Identifier: Apache-2.0
//
// In the host: what kind of stream the cell opens. The rest is in modules/stream.hpp.
#include <sbm/modules/zlib.hpp>

#include "modules/stream.hpp"
#include "modules/zlib/calls.hpp"

#include <sbm_zlib_module.module.hpp>

namespace sbm::zlib {
namespace {

using modules::Message;
using modules::StreamState;
using Bytes = std::vector<std::byte>;

// The format as zlib numbers it (modules/zlib/calls.hpp), or 0 if it is none.
int window_bits(Format format)
{
    switch (format) {
    case Format::either:
        return 15 + 32;
    case Format::zlib:
        return 15;
    case Format::gzip:
        return 15 + 16;
    case Format::raw:
        return -15;
    }
    return 0;
}

// What prepares a stream of the one kind or the other.
auto inflating(Format format)
{
    return [format](StreamState &stream) -> Result<void> {
        const int bits = window_bits(format);
        if (bits == 0)
            return Error(Errc::misuse, "there is no such format");
        auto open = stream.module().function<calls::OpenInflater>("open_inflater");
        if (!open)
            return open.error();
        stream.prepare(
            [open = *open, bits](Sandbox &sandbox, auto /*size*/, Untrusted<Message> &message) {
                return sandbox.call(open, bits, message);
            });
        return {};
    };
}

auto deflating(int level, Format format)
{
    return [level, format](StreamState &stream) -> Result<void> {
        const int bits = window_bits(format);
        if (bits == 0 || format == Format::either)
            return Error(Errc::misuse, "to deflate takes a format: zlib, gzip or raw");
        if (level < 0 || level > 9)
            return Error(Errc::misuse, "the levels of zlib are 0 to 9");
        auto open = stream.module().function<calls::OpenDeflater>("open_deflater");
        if (!open)
            return open.error();
        stream.prepare([open = *open, bits, level](Sandbox &sandbox, auto /*size*/,
                                                   Untrusted<Message> &message) {
            return sandbox.call(open, bits, level, message);
        });
        return {};
    };
}

} // namespace

Inflater::Inflater(std::unique_ptr<StreamState> state) noexcept : Stream(std::move(state)) {}
Deflater::Deflater(std::unique_ptr<StreamState> state) noexcept : Stream(std::move(state)) {}

Result<Inflater> Inflater::create(Format format, const modules::Limits &limits) noexcept
{
    return modules::without_throwing([&]() -> Result<Inflater> {
        auto state = modules::make_stream(sbm_zlib_module_module(), limits, inflating(format));
        if (!state)
            return state.error();
        return Inflater(std::move(*state));
    });
}

Result<Deflater> Deflater::create(int level, Format format, const modules::Limits &limits) noexcept
{
    return modules::without_throwing([&]() -> Result<Deflater> {
        auto state =
            modules::make_stream(sbm_zlib_module_module(), limits, deflating(level, format));
        if (!state)
            return state.error();
        return Deflater(std::move(*state));
    });
}

Result<Bytes> inflate(std::span<const std::byte> input, Format format) noexcept
{
    return modules::in_own_cell<sbm_zlib_module_module>(input, inflating(format));
}

Result<Bytes> deflate(std::span<const std::byte> input, int level, Format format) noexcept
{
    return modules::in_own_cell<sbm_zlib_module_module>(input, deflating(level, format));
}

} // namespace sbm::zlib

template class sbm::modules::Stream<sbm::zlib::Inflater>;
template class sbm::modules::Stream<sbm::zlib::Deflater>;
