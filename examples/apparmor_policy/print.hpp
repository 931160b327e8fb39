// SPDX-License-Identifier: Apache-2.0
//
// A policy as text for people, and as JSON for programs.
#pragma once

#include "policy.hpp"

#include <nlohmann/json_fwd.hpp>

namespace apparmor_policy {

// What the file rules of one profile say about one path.
struct PathAccess {
    std::string path;
    Match match;
};

std::string policy_text(const Policy &policy);
std::string profile_text(const Profile &profile);
std::string access_text(const PathAccess &access);

// Octets that are not UTF-8 are escaped as in the text.
nlohmann::json policy_json(const Policy &policy);
nlohmann::json profile_json(const Profile &profile);
nlohmann::json access_json(const PathAccess &access);

} // namespace apparmor_policy
