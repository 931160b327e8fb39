// SPDX-License-Identifier: Apache-2.0
//
// Templates in files: the module and what its constructors made, so that a later program
// need not run them. The file is for the same library version and a processor with the same
// features: the C library has chosen its functions by them.
//
// A checksum finds damage by accident. Whoever writes such a file decides what runs in the
// cell, as whoever writes a module does; it gives no more: every number is checked.
#pragma once

#include "image/module_image.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace cell::image {

// Writes the file as a whole or not at all.
Result<void> save_template(const ModuleTemplate &source, const std::string &path);

// Misuse, with the reason, for anything but a whole file of this library's version and this
// processor's features.
Result<std::shared_ptr<const ModuleTemplate>> load_template(const std::string &path);

// The same, as bytes.
Result<std::vector<std::byte>> template_bytes(const ModuleTemplate &source);
Result<std::shared_ptr<const ModuleTemplate>> parse_template(std::span<const std::byte> bytes);

} // namespace cell::image
