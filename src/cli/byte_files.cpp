// SPDX-License-Identifier: Apache-2.0
#include "byte_files.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

namespace cli {

sbm::Result<Bytes> read_bytes(const std::string &file)
{
    std::ifstream stream;
    std::error_code ignored; // a folder can be opened, and throws when it is read
    if (file != "-" && !std::filesystem::is_directory(file, ignored))
        stream.open(file, std::ios::binary);
    std::istream &source = file == "-" ? std::cin : stream;
    const std::string content((std::istreambuf_iterator<char>(source)), {});
    if (source.bad() || (file != "-" && !stream.is_open()))
        return sbm::Error(sbm::Errc::not_available, fmt::format("{} cannot be read", file));
    const auto *first = reinterpret_cast<const std::byte *>(content.data());
    return Bytes(first, first + content.size());
}

sbm::Result<void> write_bytes(const std::string &file, const Bytes &bytes)
{
    std::ofstream stream;
    if (file != "-")
        stream.open(file, std::ios::binary | std::ios::trunc);
    std::ostream &target = file == "-" ? std::cout : stream;
    target.write(reinterpret_cast<const char *>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    target.flush();
    if (!target)
        return sbm::Error(sbm::Errc::not_available, fmt::format("{} cannot be written", file));
    return {};
}

} // namespace cli
