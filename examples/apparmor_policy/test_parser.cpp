// SPDX-License-Identifier: Apache-2.0
//
// Runs apparmor_parser for tests. See test_parser.hpp.
#include "test_parser.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

namespace apparmor_policy::test {
namespace {

// Not in the search path of ordinary users.
constexpr const char *kParser = "/usr/sbin/apparmor_parser";

// No cache, no kernel, and includes from the installed package.
constexpr const char *kOptions = " --skip-cache --skip-kernel-load --Include /etc/apparmor.d ";

std::string quoted(const std::string &word)
{
    std::string text = "'";
    for (const char character : word)
        text += character == '\'' ? std::string("'\\''") : std::string(1, character);
    return text + "'";
}

// Standard output; empty if the program failed.
Bytes run(const std::string &command)
{
    Bytes output;
    std::array<std::uint8_t, 4096> block{};
    FILE *pipe = popen((command + " 2>/dev/null </dev/null").c_str(), "r");
    if (pipe == nullptr)
        return {};
    while (const std::size_t size = fread(block.data(), 1, block.size(), pipe))
        output.insert(output.end(), block.begin(), block.begin() + static_cast<long>(size));
    return pclose(pipe) == 0 ? output : Bytes{};
}

} // namespace

bool have_parser()
{
    return access(kParser, X_OK) == 0;
}

Bytes compile_file(const std::string &file, const std::string &features, const std::string &options)
{
    return run(kParser + std::string(kOptions) + "--stdout --features-file " + quoted(features) +
               " " + options + " " + quoted(file));
}

Bytes compile_text(const std::string &source, const std::string &features,
                   const std::string &options)
{
    const TemporaryFile file(source);
    return compile_file(file.path(), features, options);
}

std::vector<std::string> names_in(const std::string &file)
{
    const Bytes output = run(kParser + std::string(kOptions) + "--names " + quoted(file));
    std::istringstream lines(std::string(output.begin(), output.end()));
    std::vector<std::string> names;
    for (std::string line; std::getline(lines, line);)
        names.push_back(line);
    std::ranges::sort(names);
    return names;
}

std::vector<std::string> profile_sources()
{
    std::vector<std::string> files;
    for (const char *folder : {"/etc/apparmor.d", "/usr/share/apparmor/extra-profiles"}) {
        std::error_code error;
        for (const auto &entry : std::filesystem::directory_iterator(folder, error))
            if (entry.is_regular_file() && entry.path().filename() != "README")
                files.push_back(entry.path().string());
    }
    std::ranges::sort(files);
    return files;
}

TemporaryFile::TemporaryFile(const std::string &content)
{
    std::string pattern = (std::filesystem::temp_directory_path() / "policy-XXXXXX").string();
    const int descriptor = mkstemp(pattern.data());
    if (descriptor < 0)
        return;
    close(descriptor);
    path_ = pattern;
    std::ofstream(path_, std::ios::binary) << content;
}

TemporaryFile::~TemporaryFile()
{
    if (!path_.empty())
        std::remove(path_.c_str());
}

} // namespace apparmor_policy::test
