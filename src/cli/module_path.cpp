// SPDX-License-Identifier: Apache-2.0
#include "module_path.hpp"

#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace cli {
namespace {

// From the folder of this program: as installed, and as built.
constexpr const char *kFolders[] = {SBM_INSTALLED_MODULES, SBM_BUILT_MODULES};

} // namespace

std::vector<std::string> module_folders()
{
    std::vector<std::string> folders;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the program never changes its environment
    if (const char *path = std::getenv("SBM_MODULE_PATH")) {
        std::istringstream stream(path);
        for (std::string folder; std::getline(stream, folder, ':');)
            if (!folder.empty())
                folders.push_back(folder);
    }
    std::error_code ignored;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored);
    for (const char *folder : kFolders)
        if (!program.empty())
            folders.push_back((program.parent_path() / folder).lexically_normal());
    return folders;
}

std::string find_module(const std::string &name)
{
    if (name.find('/') != std::string::npos)
        return name;
    for (const std::string &folder : module_folders())
        for (const std::string &file : {"sbm_" + name + "_module", name}) {
            const std::filesystem::path path = std::filesystem::path(folder) / file;
            std::error_code ignored;
            if (std::filesystem::is_regular_file(path, ignored))
                return path;
        }
    return name;
}

} // namespace cli
