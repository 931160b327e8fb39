// SPDX-License-Identifier: Apache-2.0
#include "system/files.hpp"

#include "os/files.hpp"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

namespace cell::system {
namespace {

Status status_of(int number)
{
    switch (number) {
    case 0:
        return Status::ok;
    case ENOENT:
    case ENOTDIR:
    case ELOOP: // links are not there
    case EXDEV: // nor is what lies outside
    case ENXIO:
        return Status::not_found;
    case EEXIST:
        return Status::exists;
    case EISDIR:
    case EINVAL:
    case ENAMETOOLONG:
        return Status::invalid;
    case EACCES:
    case EPERM:
    case EROFS:
        return Status::denied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return Status::no_space;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return Status::no_memory;
    default:
        return Status::failed;
    }
}

class RealFile final : public OpenFile {
public:
    explicit RealFile(os::Descriptor file) : file_(std::move(file)) {}

    Status read(std::uint64_t position, std::span<std::byte> bytes, std::uint64_t &done) override
    {
        return repeat(bytes.size(), done, [&](std::size_t at) {
            return ::pread(file_.get(), bytes.data() + at, bytes.size() - at,
                           static_cast<off_t>(position + at));
        });
    }
    // What was written before an error is told: the rest is not lost, it was never taken.
    Status write(std::uint64_t position, std::span<const std::byte> bytes,
                 std::uint64_t &done) override
    {
        const std::uint64_t end = os::largest_file();
        if (position >= end && !bytes.empty())
            return Status::no_space;
        bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), end - std::min(position, end)));
        return repeat(bytes.size(), done, [&](std::size_t at) {
            return ::pwrite(file_.get(), bytes.data() + at, bytes.size() - at,
                            static_cast<off_t>(position + at));
        });
    }
    Status size(std::uint64_t &bytes) override
    {
        const off_t end = ::lseek(file_.get(), 0, SEEK_END);
        bytes = end < 0 ? 0 : static_cast<std::uint64_t>(end);
        return end < 0 ? status_of(errno) : Status::ok;
    }
    Status truncate(std::uint64_t bytes) override
    {
        if (bytes > os::largest_file())
            return Status::no_space;
        return ::ftruncate(file_.get(), static_cast<off_t>(bytes)) == 0 ? Status::ok
                                                                        : status_of(errno);
    }
    Status sync() override { return ::fdatasync(file_.get()) == 0 ? Status::ok : status_of(errno); }

private:
    template <class Step>
    static Status repeat(std::size_t size, std::uint64_t &done, const Step &step)
    {
        for (done = 0; done < size;) {
            const ssize_t count = step(done);
            if (count < 0 && errno == EINTR)
                continue;
            if (count < 0)
                return done > 0 ? Status::ok : status_of(errno);
            if (count == 0)
                break;
            done += static_cast<std::uint64_t>(count);
        }
        return Status::ok;
    }

    os::Descriptor file_;
};

class RealFolder final : public Folder {
public:
    explicit RealFolder(os::Descriptor folder) : folder_(std::move(folder)) {}

    Status exists(const std::string &path) override
    {
        return os::kind_beneath(folder_.get(), path) ? Status::ok : Status::not_found;
    }
    Status open(const std::string &path, bool writable, std::unique_ptr<OpenFile> &file) override
    {
        return keep(os::open_beneath(folder_.get(), path,
                                     writable ? os::Opening::read_write : os::Opening::read),
                    file);
    }
    Status create(const std::string &path, std::unique_ptr<OpenFile> &file) override
    {
        return keep(os::open_beneath(folder_.get(), path, os::Opening::create), file);
    }
    Status remove(const std::string &path) override
    {
        return os::remove_beneath(folder_.get(), path) ? Status::ok : status_of(errno);
    }
    Status list(const std::string &path, std::vector<std::string> &names) override
    {
        if (os::kind_beneath(folder_.get(), path) == 'f')
            return Status::invalid;
        if (!os::list_beneath(folder_.get(), path, names))
            return status_of(errno);
        std::sort(names.begin(), names.end());
        return Status::ok;
    }

private:
    static Status keep(os::Descriptor opened, std::unique_ptr<OpenFile> &file)
    {
        if (!opened)
            return status_of(errno);
        file = std::make_unique<RealFile>(std::move(opened));
        return Status::ok;
    }

    os::Descriptor folder_;
};

} // namespace

std::unique_ptr<Folder> make_real_folder(os::Descriptor folder)
{
    return std::make_unique<RealFolder>(std::move(folder));
}

} // namespace cell::system
