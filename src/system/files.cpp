// SPDX-License-Identifier: Apache-2.0
#include "system/files.hpp"

#include <algorithm>
#include <map>

namespace cell::system {
namespace {

constexpr std::size_t kLongestPath = 4095, kLongestName = 255;
// What a memory file may grow to.
constexpr std::uint64_t kLargest = std::uint64_t{64} << 20;

using Content = std::vector<std::byte>;

class MemoryFile final : public OpenFile {
public:
    explicit MemoryFile(std::shared_ptr<Content> content) : content_(std::move(content)) {}

    Status read(std::uint64_t position, std::span<std::byte> bytes, std::uint64_t &done) override
    {
        done = 0;
        if (position < content_->size()) {
            done = std::min<std::uint64_t>(bytes.size(), content_->size() - position);
            std::copy_n(content_->begin() + static_cast<std::ptrdiff_t>(position), done,
                        bytes.begin());
        }
        return Status::ok;
    }
    Status write(std::uint64_t position, std::span<const std::byte> bytes,
                 std::uint64_t &done) override
    {
        if (position > kLargest || bytes.size() > kLargest - position)
            return Status::no_space;
        if (position + bytes.size() > content_->size())
            content_->resize(position + bytes.size());
        std::copy(bytes.begin(), bytes.end(),
                  content_->begin() + static_cast<std::ptrdiff_t>(position));
        done = bytes.size();
        return Status::ok;
    }
    Status size(std::uint64_t &bytes) override
    {
        bytes = content_->size();
        return Status::ok;
    }
    Status truncate(std::uint64_t bytes) override
    {
        if (bytes > kLargest)
            return Status::no_space;
        content_->resize(bytes);
        return Status::ok;
    }
    Status sync() override { return Status::ok; }

private:
    std::shared_ptr<Content> content_;
};

// Folders are there as soon as there is a file in them.
class MemoryFolder final : public Folder {
public:
    Status exists(const std::string &path) override
    {
        return files_.contains(path) || is_folder(path) ? Status::ok : Status::not_found;
    }
    Status open(const std::string &path, bool, std::unique_ptr<OpenFile> &file) override
    {
        const auto at = files_.find(path);
        if (at == files_.end())
            return is_folder(path) ? Status::invalid : Status::not_found;
        file = std::make_unique<MemoryFile>(at->second);
        return Status::ok;
    }
    Status create(const std::string &path, std::unique_ptr<OpenFile> &file) override
    {
        if (files_.contains(path) || is_folder(path))
            return Status::exists;
        if (const auto slash = path.rfind('/');
            slash != std::string::npos && !is_folder(path.substr(0, slash)))
            return Status::not_found;
        file = std::make_unique<MemoryFile>(files_[path] = std::make_shared<Content>());
        return Status::ok;
    }
    Status remove(const std::string &path) override
    {
        if (is_folder(path))
            return Status::invalid;
        return files_.erase(path) ? Status::ok : Status::not_found;
    }
    Status list(const std::string &path, std::vector<std::string> &names) override
    {
        if (files_.contains(path))
            return Status::invalid;
        if (!is_folder(path))
            return Status::not_found;
        const std::string start = path.empty() ? "" : path + "/";
        for (const auto &[name, content] : files_) {
            if (!name.starts_with(start))
                continue;
            const auto slash = name.find('/', start.size());
            names.push_back(name.substr(
                start.size(), slash == std::string::npos ? slash : slash + 1 - start.size()));
        }
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
        return Status::ok;
    }

private:
    bool is_folder(const std::string &path) const
    {
        if (path.empty())
            return true;
        const auto at = files_.lower_bound(path + "/");
        return at != files_.end() && at->first.starts_with(path + "/");
    }
    std::map<std::string, std::shared_ptr<Content>> files_;
};

bool is_name(std::string_view part)
{
    return !part.empty() && part.size() <= kLongestName && part != "." && part != ".." &&
           part.find('\0') == std::string_view::npos;
}

} // namespace

std::unique_ptr<Folder> make_memory_folder()
{
    return std::make_unique<MemoryFolder>();
}

bool split_path(std::string_view path, std::string &root, std::string &rest)
{
    if (path.size() > kLongestPath)
        return false;
    const std::size_t first = path.find('/');
    root = path.substr(0, first);
    rest = first == std::string_view::npos ? "" : path.substr(first + 1);
    if (!is_name(root))
        return false;
    for (std::string_view left = rest; !left.empty();) {
        const std::size_t slash = left.find('/');
        if (!is_name(left.substr(0, slash)) || slash == left.size() - 1)
            return false;
        left = slash == std::string_view::npos ? "" : left.substr(slash + 1);
    }
    return true;
}

} // namespace cell::system
