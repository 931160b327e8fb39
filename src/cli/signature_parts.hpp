// SPDX-License-Identifier: Apache-2.0
//
// What the readers of C++'s and of C's signatures have in common.
#pragma once

#include "signature.hpp"

#include <string_view>

namespace cli {

// The result type of every function that SBM_EXPORT_FUNC exports; no type of C++ is so called.
inline constexpr std::string_view kBeginOfC = "int(";
inline constexpr std::size_t kLongDouble = 16;

sbm::Error not_understood(std::string_view text);

// One as aligned as it is large, or nothing at all.
Type builtin(Type::Kind kind, std::string_view name, std::size_t size);

// Of a text that begins so.
sbm::Result<Signature> parse_c_signature(std::string_view text);

} // namespace cli
