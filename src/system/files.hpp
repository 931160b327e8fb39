// SPDX-License-Identifier: Apache-2.0
//
// Files as apps see them: named roots, and what is beneath them. There is a real one and one
// in memory; both pass the same tests.
#pragma once

#include "abi/calls/types.hpp"
#include "os/descriptor.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cell::system {

using sbm::calls::Status;

// Positions and sizes are below 2^63.
class OpenFile {
public:
    virtual ~OpenFile() = default;
    virtual Status read(std::uint64_t position, std::span<std::byte> bytes,
                        std::uint64_t &done) = 0;
    virtual Status write(std::uint64_t position, std::span<const std::byte> bytes,
                         std::uint64_t &done) = 0;
    virtual Status size(std::uint64_t &bytes) = 0;
    virtual Status truncate(std::uint64_t bytes) = 0;
    virtual Status sync() = 0;
};

// The files beneath one root. Paths are relative, without empty, "." and ".." parts; nothing
// but plain files and folders is ever found, and no link is followed.
class Folder {
public:
    virtual ~Folder() = default;
    virtual Status exists(const std::string &path) = 0;
    virtual Status open(const std::string &path, bool writable,
                        std::unique_ptr<OpenFile> &file) = 0;
    virtual Status create(const std::string &path, std::unique_ptr<OpenFile> &file) = 0;
    virtual Status remove(const std::string &path) = 0;
    // Names in a folder, in order; those of folders end in '/'.
    virtual Status list(const std::string &path, std::vector<std::string> &names) = 0;
};

std::unique_ptr<Folder> make_memory_folder();
// Of a folder that is opened already.
std::unique_ptr<Folder> make_real_folder(os::Descriptor folder);

// "root/rest": false if that is no path. The rest may be empty: the root itself.
bool split_path(std::string_view path, std::string &root, std::string &rest);

} // namespace cell::system
