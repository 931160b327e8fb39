// SPDX-License-Identifier: Apache-2.0
//
// What the host sides of the modules for streams have in common: the stream lies in the
// cell from one call to the next, and each call brings some input in and some output back.
#pragma once

#include "modules/codec.hpp"
#include "modules/stream_types.hpp"

#include <sbm/modules/stream.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace sbm::modules {

class StreamState {
public:
    using Bytes = std::vector<std::byte>;
    // Makes the call that opens a stream in a cell that nobody has used before. The size of
    // all input, if it is there from the beginning.
    using Opening = std::function<Result<Untrusted<int>>(
        Sandbox &, std::optional<std::uint64_t> size, Untrusted<Message> &)>;

    static Result<StreamState> create(std::span<const std::byte> file, const Limits &limits)
    {
        auto codec = Codec::create(file, limits);
        if (!codec)
            return codec.error();
        auto step = codec->module().function<Step>("step");
        if (!step)
            return step.error();
        return StreamState(std::move(*codec), *step, limits.output_bytes);
    }

    const Module &module() const { return codec_.module(); }

    // What the next stream is. One that is open is given up.
    void prepare(Opening opening)
    {
        close();
        opening_ = std::move(opening);
    }

    // What this input gives. After an error the stream is lost, and the error stays.
    Result<Bytes> write(std::span<const std::byte> input)
    {
        return input.empty() && !failure_ ? Bytes() : advance(input, false);
    }

    // What is left. The next input is that of another stream.
    Result<Bytes> finish()
    {
        auto output = advance({}, true);
        close();
        return output;
    }

    // A stream from its beginning to its end. One that is open is given up.
    Result<Bytes> whole(std::span<const std::byte> input)
    {
        close();
        auto output = advance(input, true);
        close();
        return output;
    }

    // The same in memory that is shared with the cell: how much of `output` it has filled.
    Result<std::size_t> whole(const BufferPart<std::byte> &input,
                              const BufferPart<std::byte> &output)
    {
        close();
        auto size = fill(input, output);
        close();
        return size;
    }

private:
    static constexpr std::size_t kSharedBytes = std::size_t{16} << 20; // of one call
    static constexpr std::size_t kInputBytes = std::size_t{256} << 10; // of one call
    static constexpr std::size_t kOutputBytes = std::size_t{256} << 10;

    StreamState(Codec codec, const Function<Step> &step, std::uint64_t limit)
        : codec_(std::move(codec)), step_(step), limit_(limit)
    {
    }

    Result<Bytes> advance(std::span<const std::byte> input, bool is_last)
    {
        if (failure_)
            return *failure_;
        // If an exception ends this, output is lost, and the stream with it.
        failure_.emplace(Errc::no_memory, "the program had no memory left for the stream");
        auto output = pump(input, is_last);
        if (output) {
            failure_.reset();
        } else {
            failure_ = output.error();
            leave_cell();
        }
        return output;
    }

    Result<Bytes> pump(std::span<const std::byte> input, bool is_last)
    {
        if (!is_open_)
            if (auto opened = open(is_last ? std::optional(input.size()) : std::nullopt); !opened)
                return opened.error();
        Bytes result;
        for (;;) {
            const auto piece = input.first(std::min(input.size(), kInputBytes));
            const bool is_last_piece = is_last && piece.size() == input.size();
            auto end = step(piece, is_last_piece, result);
            if (!end)
                return end.error();
            input = input.subspan(end->consumed);
            if (input.empty() && (is_last ? end->has_ended : !end->is_full))
                return result;
        }
    }

    Result<void> open(std::optional<std::uint64_t> size)
    {
        if (auto begun = codec_.begin(); !begun)
            return begun.error();
        is_open_ = true;
        produced_ = 0;
        Untrusted<Message> message;
        auto opened = opening_(codec_.sandbox(), size, message);
        if (!opened)
            return opened.error();
        if (const auto error = refusal(*opened, message))
            return *error;
        return {};
    }

    // How a step ended.
    struct End {
        std::size_t consumed, produced;
        bool is_full; // there may be more output
        bool has_ended;
    };

    Result<End> step(std::span<const std::byte> piece, bool is_last, Bytes &result)
    {
        output_.storage().resize(kOutputBytes);
        auto end = call(piece, piece.size(), is_last, output_, kOutputBytes);
        if (!end)
            return end;
        const Bytes &output = output_.trusted_because("any bytes are an output");
        result.insert(result.end(), output.begin(),
                      output.begin() + static_cast<std::ptrdiff_t>(end->produced));
        return end;
    }

    // One call of `step` in the cell, by which the stream may not get beyond the limits.
    template <class Input, class Output>
    Result<End> call(const Input &input, std::size_t input_size, bool is_last, Output &output,
                     std::size_t output_size)
    {
        Untrusted<Message> message;
        Untrusted<Progress> progress;
        auto status = codec_.sandbox().call(step_, input, is_last, output, progress, message);
        if (!status)
            return status.error();
        if (const auto error = refusal(*status, message))
            return *error;
        const bool has_ended = status->check_with([](int value) { return value == kEnded; });
        // Without this, a cell could keep the host busy for as long as it likes.
        const auto known = progress.verify([&](const Progress &p) {
            return p.consumed <= input_size && p.produced <= output_size &&
                   (p.produced == output_size ||
                    (p.consumed == input_size && (has_ended || !is_last)));
        });
        if (!known)
            return Error(Errc::fault, "the cell tells of impossible progress");
        if (known->produced > limit_ - produced_)
            return Error(Errc::no_memory, "the stream gives more bytes than the limits allow");
        produced_ += known->produced;
        return End{known->consumed, known->produced, known->produced == output_size, has_ended};
    }

    Result<std::size_t> fill(BufferPart<std::byte> input, const BufferPart<std::byte> &output)
    {
        if (auto opened = open(input.size()); !opened)
            return opened.error();
        for (std::size_t filled = 0;;) {
            const auto piece = input.part(0, kSharedBytes);
            const auto room = output.part(filled, kSharedBytes);
            if (room.size() == 0)
                return finish_full(input, filled);
            const bool is_last = piece.size() == input.size();
            auto end = call(piece, piece.size(), is_last, room, room.size());
            if (!end)
                return end.error();
            filled += end->produced;
            input = input.part(end->consumed, input.size());
            if (input.size() == 0 && end->has_ended)
                return filled;
        }
    }

    // What is left of the input must give nothing more than the end.
    Result<std::size_t> finish_full(const BufferPart<std::byte> &input, std::size_t filled)
    {
        Bytes rest;
        const std::span<const std::byte> piece(input.address(),
                                               std::min(input.size(), kInputBytes));
        auto end = step(piece, piece.size() == input.size(), rest);
        if (!end)
            return end.error();
        if (!end->has_ended || end->consumed != input.size() || !rest.empty())
            return Error(Errc::no_memory, "the stream gives more bytes than the buffer holds");
        return filled;
    }

    void leave_cell()
    {
        if (std::exchange(is_open_, false))
            codec_.end();
    }

    void close()
    {
        leave_cell();
        failure_.reset();
    }

    Codec codec_;
    Function<Step> step_;
    Opening opening_;
    Untrusted<Bytes> output_; // of one step
    std::uint64_t limit_;
    std::uint64_t produced_ = 0; // never more than the limit
    bool is_open_ = false;
    std::optional<Error> failure_; // of the stream that was last begun
};

// The definitions of <sbm/modules/stream.hpp>, for a module that instantiates them.
template <class Kind>
Stream<Kind>::Stream(std::unique_ptr<StreamState> state) noexcept : state_(std::move(state))
{
}
template <class Kind> Stream<Kind>::Stream(Stream &&) noexcept = default;
template <class Kind> Stream<Kind> &Stream<Kind>::operator=(Stream &&) noexcept = default;
template <class Kind> Stream<Kind>::~Stream() = default;

template <class Kind>
Result<std::vector<std::byte>> Stream<Kind>::write(std::span<const std::byte> input) noexcept
{
    return without_throwing([&] { return state_->write(input); });
}
template <class Kind> Result<std::vector<std::byte>> Stream<Kind>::finish() noexcept
{
    return without_throwing([&] { return state_->finish(); });
}
template <class Kind>
Result<std::vector<std::byte>> Stream<Kind>::whole(std::span<const std::byte> input) noexcept
{
    return without_throwing([&] { return state_->whole(input); });
}

template <class Kind>
Result<std::size_t> Stream<Kind>::whole(const BufferPart<std::byte> &input,
                                        const Buffer<std::byte> &output) noexcept
{
    return without_throwing([&] { return state_->whole(input, output.all()); });
}

// The state of a new stream, after `prepare(state)`.
template <class Prepare>
Result<std::unique_ptr<StreamState>> make_stream(std::span<const std::byte> file,
                                                 const Limits &limits, Prepare &&prepare)
{
    auto state = StreamState::create(file, limits);
    if (!state)
        return state.error();
    if (Result<void> prepared = prepare(*state); !prepared)
        return prepared.error();
    return std::make_unique<StreamState>(std::move(*state));
}

// The calling thread's own cell for the module that File() gives, made at the first call.
template <auto File> Result<StreamState *> own_stream()
{
    thread_local std::optional<StreamState> state;
    if (!state) {
        auto made = StreamState::create(File(), {});
        if (!made)
            return made.error();
        state.emplace(std::move(*made));
    }
    return &*state;
}

// A whole stream in that cell, after `prepare(state)`.
template <auto File, class Prepare>
Result<std::vector<std::byte>> in_own_cell(std::span<const std::byte> input,
                                           Prepare &&prepare) noexcept
{
    return without_throwing([&]() -> Result<std::vector<std::byte>> {
        auto state = own_stream<File>();
        if (!state)
            return state.error();
        if (Result<void> prepared = prepare(**state); !prepared)
            return prepared.error();
        return (*state)->whole(input);
    });
}

} // namespace sbm::modules
