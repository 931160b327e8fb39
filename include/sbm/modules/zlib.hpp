// SPDX-License-Identifier: Apache-2.0
//
// Deflated data, as in zlib's own format, gzip files and many others, read and written by
// zlib in a cell.
//
//     auto text = sbm::zlib::inflate(bytes);
//     if (!text) return fail(text.error().text());
//
// Streams are in <sbm/modules/stream.hpp>:
//
//     auto inflater = sbm::zlib::Inflater::create();
//     auto output = inflater->write(piece);
//
// Hostile data can neither crash nor take over the program, and nothing of it is left for
// the next stream. What comes back are the bytes that the code in the cell made of it: no
// more than the limits allow, whatever bytes. The check sums of the formats are compared in
// the cell; they are no defence against who made the data.
#ifndef SBM_MODULES_ZLIB_HPP
#define SBM_MODULES_ZLIB_HPP

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <sbm/modules/limits.hpp>
#include <sbm/modules/stream.hpp>
#include <sbm/result.hpp>

namespace sbm::zlib {

enum class Format : int {
    either, // zlib or gzip, as the data says; only for inflating
    zlib,   // RFC 1950
    gzip,   // RFC 1952; when inflating, with any number of members
    raw,    // RFC 1951, with no check sum
};

// Inflates streams. One takes 50 KiB of the cell's memory, however long it is.
class Inflater : public modules::Stream<Inflater> {
public:
    static Result<Inflater> create(Format format = Format::either,
                                   const modules::Limits &limits = {}) noexcept;

private:
    explicit Inflater(std::unique_ptr<modules::StreamState> state) noexcept;
};

// Deflates streams. One takes 270 KiB of the cell's memory. Much of its output comes only
// when it is finished.
class Deflater : public modules::Stream<Deflater> {
public:
    // Levels are 0, which only copies, and 1 (fast) to 9 (small). Misuse for others, and for
    // Format::either.
    static Result<Deflater> create(int level = 6, Format format = Format::zlib,
                                   const modules::Limits &limits = {}) noexcept;

private:
    explicit Deflater(std::unique_ptr<modules::StreamState> state) noexcept;
};

// A whole stream, in a cell of the calling thread's that is made at the first call and kept.
Result<std::vector<std::byte>> inflate(std::span<const std::byte> input,
                                       Format format = Format::either) noexcept;
Result<std::vector<std::byte>> deflate(std::span<const std::byte> input, int level = 6,
                                       Format format = Format::zlib) noexcept;

} // namespace sbm::zlib

#endif
