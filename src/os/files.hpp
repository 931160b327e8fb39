// SPDX-License-Identifier: Apache-2.0
//
// Files beneath a folder, for paths that somebody untrusted made up.
#pragma once

#include "os/descriptor.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace cell::os {

// A folder of the program's, to look for files in; errno if that fails.
Descriptor open_folder(const std::string &path) noexcept;

// A file for this user alone, empty, to write: made, or one that is there and nobody else's. No
// link leads to it, and it has one name. errno if that fails; EACCES for another's.
Descriptor open_own_file(const std::string &path) noexcept;

enum class Opening { read, read_write, create };

// A plain file beneath `folder`. No link is followed, "..", magic links and mounts lead
// nowhere, and devices, pipes and sockets are ENXIO without being opened. `create` makes
// a new file or fails. errno if that fails.
Descriptor open_beneath(int folder, const std::string &path, Opening opening) noexcept;

// What is there: 'f' for a plain file, 'd' for a folder, 0 for nothing that may be seen.
char kind_beneath(int folder, const std::string &path) noexcept;

bool remove_beneath(int folder, const std::string &path) noexcept; // a plain file

// Files of this process may grow up to here (RLIMIT_FSIZE). What goes beyond does not only fail:
// the kernel ends the program with SIGXFSZ.
std::uint64_t largest_file() noexcept;

// The plain files and folders in a folder, the latter ending in '/'. False, and errno.
bool list_beneath(int folder, const std::string &path, std::vector<std::string> &names);

} // namespace cell::os
