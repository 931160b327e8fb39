// SPDX-License-Identifier: Apache-2.0
//
// Data in the format of Zstandard (RFC 8878), read and written by zstd in a cell.
//
//     auto text = sbm::zstd::decompress(bytes);
//     if (!text) return fail(text.error().text());
//
// Streams are in <sbm/modules/stream.hpp>:
//
//     auto decompressor = sbm::zstd::Decompressor::create();
//     auto output = decompressor->write(piece);
//
// Hostile data can neither crash nor take over the program, and nothing of it is left for
// the next stream. What comes back are the bytes that the code in the cell made of it: no
// more than the limits allow, whatever bytes.
#ifndef SBM_MODULES_ZSTD_HPP
#define SBM_MODULES_ZSTD_HPP

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <sbm/modules/limits.hpp>
#include <sbm/modules/stream.hpp>
#include <sbm/result.hpp>

namespace sbm::zstd {

// Decompresses streams of any number of frames. One takes as much of the cell's memory as
// its window, which who made it chose: 8 MiB at most up to level 19, 128 MiB beyond.
class Decompressor : public modules::Stream<Decompressor> {
public:
    static Result<Decompressor> create(const modules::Limits &limits = {}) noexcept;

private:
    explicit Decompressor(std::unique_ptr<modules::StreamState> state) noexcept;
};

// Compresses streams into one frame each. `whole` tells zstd the size beforehand, and the
// frame has it then.
class Compressor : public modules::Stream<Compressor> {
public:
    // Levels are 1 (fast) to 22 (small), and below 1 ones that are faster still; zstd takes
    // the nearest one that it has. Long streams take 3 MiB of the cell's memory at level 3,
    // and 12 MiB up to level 8; those of level 15, and from 19 on, do not fit into the usual
    // cell.
    static Result<Compressor> create(int level = 3, const modules::Limits &limits = {}) noexcept;

private:
    explicit Compressor(std::unique_ptr<modules::StreamState> state) noexcept;
};

// A whole stream, in a cell of the calling thread's that is made at the first call and kept.
Result<std::vector<std::byte>> decompress(std::span<const std::byte> input) noexcept;
Result<std::vector<std::byte>> compress(std::span<const std::byte> input, int level = 3) noexcept;

} // namespace sbm::zstd

#endif
