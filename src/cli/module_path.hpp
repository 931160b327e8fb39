// SPDX-License-Identifier: Apache-2.0
//
// Where the file of a module is that was named on the command line.
#pragma once

#include <string>
#include <vector>

namespace cli {

// A path stays as it is. A plain name, such as `png`, is that of a module which comes with
// the library: it is looked for in the folders of SBM_MODULE_PATH, then where this program
// was installed or built; last, it is a file of the current folder.
std::string find_module(const std::string &name);

// The folders that were looked into.
std::vector<std::string> module_folders();

} // namespace cli
