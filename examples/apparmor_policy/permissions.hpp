// SPDX-License-Identifier: Apache-2.0
//
// What accept words and permission tables mean for files. Runs in the host, on
// words that the host read from its own input.
#pragma once

#include "policy.hpp"

namespace apparmor_policy {

struct FileAccess {
    std::uint32_t owner = 0; // Access bits
    std::uint32_t other = 0;
};

// The access that a state with these words grants, or nothing if they refer to an
// entry that the permission table does not have.
std::optional<FileAccess> file_access(const Database &database, std::uint32_t accept,
                                      std::uint32_t accept2);

// "rwaxmkl", each where its bit is set; "none" for 0.
std::string access_letters(std::uint32_t access);

} // namespace apparmor_policy
