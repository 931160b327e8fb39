// SPDX-License-Identifier: Apache-2.0
#include "os/files.hpp"

#include <cerrno>
#include <cstdint>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <memory>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cell::os {
namespace {

constexpr std::uint64_t kBeneath =
    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;

Descriptor resolve(int folder, const char *path, std::uint64_t flags, std::uint64_t mode) noexcept
{
    open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.mode = mode;
    how.resolve = kBeneath;
    // A rename elsewhere makes the kernel unsure. Who renames all the time must not hold us.
    constexpr int kTries = 64;
    long file = -1;
    for (int i = 0; i < kTries; i++) {
        file = ::syscall(SYS_openat2, folder, path, &how, sizeof how);
        if (file >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return Descriptor(static_cast<int>(file));
}

// Without opening what is there: a device or a pipe would notice.
Descriptor find(int folder, const std::string &path, struct stat &status) noexcept
{
    Descriptor found = resolve(folder, path.empty() ? "." : path.c_str(), O_PATH | O_NOFOLLOW, 0);
    if (found && ::fstat(found.get(), &status) != 0)
        return {};
    return found;
}

// The folder that `path` is in, and the name there.
Descriptor parent(int folder, const std::string &path, std::string &name) noexcept
{
    const std::size_t slash = path.rfind('/');
    name = slash == std::string::npos ? path : path.substr(slash + 1);
    return resolve(folder, slash == std::string::npos ? "." : path.substr(0, slash).c_str(),
                   O_PATH | O_DIRECTORY, 0);
}

} // namespace

Descriptor open_folder(const std::string &path) noexcept
{
    return Descriptor(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

Descriptor open_own_file(const std::string &path) noexcept
{
    open_how how{};
    // A pipe or a device is not waited for, and nothing is cut before it has been looked at.
    how.flags = O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    how.mode = 0600;
    how.resolve = RESOLVE_NO_SYMLINKS;
    Descriptor file(
        static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
    struct stat status;
    if (!file || ::fstat(file.get(), &status) != 0)
        return {};
    if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || status.st_nlink != 1) {
        errno = EACCES;
        return {};
    }
    if (::fchmod(file.get(), 0600) != 0 || ::ftruncate(file.get(), 0) != 0)
        return {};
    return file;
}

Descriptor open_beneath(int folder, const std::string &path, Opening opening) noexcept
{
    if (opening == Opening::create)
        return resolve(folder, path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    struct stat status;
    if (!find(folder, path, status))
        return {};
    if (!S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : ENXIO;
        return {};
    }
    // Somebody may have put another thing there meanwhile: it is looked at again, and is not
    // waited for.
    Descriptor file = resolve(
        folder, path.c_str(),
        (opening == Opening::read ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (file && (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))) {
        errno = ENXIO;
        return {};
    }
    return file;
}

char kind_beneath(int folder, const std::string &path) noexcept
{
    struct stat status;
    if (!find(folder, path, status))
        return 0;
    return S_ISREG(status.st_mode) ? 'f' : S_ISDIR(status.st_mode) ? 'd' : 0;
}

bool remove_beneath(int folder, const std::string &path) noexcept
{
    std::string name;
    const Descriptor above = parent(folder, path, name);
    struct stat status;
    if (!above || ::fstatat(above.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (!S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : ENOENT;
        return false;
    }
    return ::unlinkat(above.get(), name.c_str(), 0) == 0;
}

std::uint64_t largest_file() noexcept
{
    rlimit limit{};
    return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 ? limit.rlim_cur : UINT64_MAX;
}

bool list_beneath(int folder, const std::string &path, std::vector<std::string> &names)
{
    Descriptor opened =
        resolve(folder, path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY, 0);
    if (!opened)
        return false;
    const std::unique_ptr<DIR, int (*)(DIR *)> entries(::fdopendir(opened.get()), ::closedir);
    if (!entries)
        return false;
    opened.release(); // closed with the entries
    while (const dirent *entry = ::readdir(entries.get())) {
        const std::string name = entry->d_name;
        if (name == "." || name == "..")
            continue;
        struct stat status;
        if (::fstatat(::dirfd(entries.get()), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue; // gone meanwhile
        if (S_ISREG(status.st_mode))
            names.push_back(name);
        else if (S_ISDIR(status.st_mode))
            names.push_back(name + "/");
    }
    return true;
}

} // namespace cell::os
