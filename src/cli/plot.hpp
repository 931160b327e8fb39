// SPDX-License-Identifier: Apache-2.0
//
// Pictures of what `sbm bench` measured, made by gnuplot from its JSON.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace cli {

// Is there a gnuplot? Better asked before minutes of measuring than after.
bool has_gnuplot();

// Writes ratios.svg and png.svg into the folder, which is made if need be. What is wrong,
// or "".
std::string plot(const nlohmann::json &report, const std::string &folder);

} // namespace cli
