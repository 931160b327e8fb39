// SPDX-License-Identifier: Apache-2.0
//
// Libraries that come as modules, over real data, in a cell and here.
#pragma once

#include "standard.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace bench {

using Bytes = std::vector<std::byte>;
using Files = std::shared_ptr<const std::vector<Bytes>>;

// Square PNG pictures of an icon package with sides of so many pixels, at most `limit`,
// spread over all of them; with 0 of any size. Empty if the package is not installed.
Files pictures(std::uint32_t side, std::size_t limit);

// One operation decodes all of them, and gives the time of one picture. In the cell, each is
// followed by a reset. Empty if the pixels are not the same.
Operation decode_here(Files files);
Operation decode_in_cell(const std::string &level, Files files);
// The peer: a process for each picture, which leaves the pixels in shared memory.
Floor decode_in_processes(const Files &files);

// Deflated text that inflates to so many bytes.
std::shared_ptr<const Bytes> deflated(std::size_t size);
Operation inflate_here(std::shared_ptr<const Bytes> packed);
Operation inflate_in_cell(const std::string &level, std::shared_ptr<const Bytes> packed);
// Both ends of the stream lie in memory that the cell shares; the result in `size` bytes.
Operation inflate_into_buffer(const std::string &level, std::shared_ptr<const Bytes> packed,
                              std::size_t size);

} // namespace bench
