// SPDX-License-Identifier: Apache-2.0
//
// What the library does, as operations to measure, by both of its interfaces.
#pragma once

#include "measure.hpp"

#include <cstddef>
#include <string>

namespace bench {

// The level's name. Empty if a cell of the level works, else the reason.
std::string missing(const std::string &level);

// By <sbm/sbm.h>. Each has an instance of its own, with default options.
Operation c_create(const std::string &level); // a cell, its first call, its end
Operation c_null_call(const std::string &level);
// `size` bytes in and as many out; the buffers are registered once.
Operation c_copy_call(const std::string &level, std::size_t size);
// The reset alone, after a call that faulted, or that wrote to so many pages.
Operation c_reset_after_fault(const std::string &level);
Operation c_reset_after_pages(const std::string &level, std::size_t pages);

// By <sbm/sandbox.hpp>, where buffers are arguments of each call.
Operation cpp_null_call(const std::string &level);
Operation cpp_copy_call(const std::string &level, std::size_t size);

} // namespace bench
