// SPDX-License-Identifier: Apache-2.0
//
// Data that a library in a cell turns into other data, piece by piece:
//
//     while (read(piece)) {
//         auto output = inflater.write(piece);
//         if (!output) return fail(output.error().text());
//         use(*output);
//     }
//     auto rest = inflater.finish();
//
// The library's state stays in the cell from one piece to the next, and is gone when the
// stream ends.
#ifndef SBM_MODULES_STREAM_HPP
#define SBM_MODULES_STREAM_HPP

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <sbm/buffer.hpp>
#include <sbm/modules/limits.hpp>
#include <sbm/result.hpp>

namespace sbm::modules {

class StreamState; // modules/stream.hpp

// What all classes for streams can do; `Kind` is one of them, such as zlib::Inflater. One
// stream after the other, in one cell that is reset after each. Use from one thread at a
// time; it may move between threads.
//
// The limits: `output_bytes` is what one stream may give, and `time` is what each 256 KiB
// of its input or output may take.
template <class Kind> class Stream {
public:
    Stream(Stream &&) noexcept;
    Stream &operator=(Stream &&) noexcept;
    ~Stream();

    // What the next bytes of the stream give, which may be nothing yet. It begins with the
    // first of them. Misuse for data that is damaged or goes on after its end, with the
    // library's words; no_memory for more output than the limits allow, or more memory
    // than the cell has. After an error the stream is lost, and only `finish` ends it:
    // until then each call gives that error again.
    Result<std::vector<std::byte>> write(std::span<const std::byte> input) noexcept;

    // Ends the stream, also one that is lost. Gives what is left of its output, or misuse
    // if the data ends too early. The next bytes are those of another stream.
    Result<std::vector<std::byte>> finish() noexcept;

    // A stream from its beginning to its end. One that is not finished is given up.
    Result<std::vector<std::byte>> whole(std::span<const std::byte> input) noexcept;

    // The same without copying, for large data: gives how many bytes of `output` it has
    // filled. no_memory if that is too small. `time` is then what each 16 MiB may take.
    Result<std::size_t> whole(const BufferPart<std::byte> &input,
                              const Buffer<std::byte> &output) noexcept;

protected:
    explicit Stream(std::unique_ptr<StreamState> state) noexcept;

private:
    std::unique_ptr<StreamState> state_;
};

} // namespace sbm::modules

#endif
