// SPDX-License-Identifier: Apache-2.0
//
// For tests: real files of the system, and ways to damage them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace sbm::modules {

using Bytes = std::vector<std::byte>;

inline Bytes read_file(const std::filesystem::path &path)
{
    std::ifstream file(path, std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), {});
    Bytes bytes(content.size());
    std::transform(content.begin(), content.end(), bytes.begin(),
                   [](char c) { return static_cast<std::byte>(c); });
    return bytes;
}

// Regular files below `folder` whose names end so, in order; at most `limit`, spread over
// all of them.
inline std::vector<std::filesystem::path> find_files(const std::filesystem::path &folder,
                                                     const std::string &ending, std::size_t limit)
{
    std::vector<std::filesystem::path> all;
    std::error_code ignored;
    constexpr auto skip = std::filesystem::directory_options::skip_permission_denied;
    for (const auto &entry : std::filesystem::recursive_directory_iterator(folder, skip, ignored))
        if (entry.is_regular_file() && !entry.is_symlink() &&
            entry.path().string().ends_with(ending))
            all.push_back(entry.path());
    std::sort(all.begin(), all.end());
    if (all.size() <= limit)
        return all;
    std::vector<std::filesystem::path> some;
    for (std::size_t i = 0; i < limit; i++)
        some.push_back(all[i * all.size() / limit]);
    return some;
}

// The same damage for the same seed: bytes changed, runs overwritten, the end cut off.
inline Bytes damaged(Bytes bytes, unsigned seed)
{
    std::mt19937 random(seed);
    const auto below = [&](std::size_t limit) { return random() % std::max<std::size_t>(limit, 1); };
    const std::size_t changes = 1 + below(8);
    for (std::size_t i = 0; i < changes && !bytes.empty(); i++)
        bytes[below(bytes.size())] = static_cast<std::byte>(random());
    if (below(4) == 0 && !bytes.empty()) {
        const std::size_t start = below(bytes.size()), size = below(bytes.size() - start);
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(start), size,
                    static_cast<std::byte>(random()));
    }
    if (below(4) == 0)
        bytes.resize(below(bytes.size()));
    return bytes;
}

} // namespace sbm::modules
