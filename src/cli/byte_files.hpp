// SPDX-License-Identifier: Apache-2.0
//
// Whole files, with `-` for standard input and output.
#pragma once

#include "values.hpp"

#include <sbm/result.hpp>

#include <string>

namespace cli {

// not_available, with the file's name, if that cannot be done.
sbm::Result<Bytes> read_bytes(const std::string &file);
sbm::Result<void> write_bytes(const std::string &file, const Bytes &bytes);

} // namespace cli
