// SPDX-License-Identifier: Apache-2.0
//
// Text as a policy can say it: TOML in ASCII, other characters as escapes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cell {

// `text` in quotes. Nothing for what is no UTF-8, which no policy can say.
std::optional<std::string> toml_string(std::string_view text);

// The same for a key or a part of a section's name: in quotes if it needs any.
std::optional<std::string> toml_key(std::string_view text);

} // namespace cell
