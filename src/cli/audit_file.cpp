// SPDX-License-Identifier: Apache-2.0
#include "audit_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cli {

std::unique_ptr<AuditFile> AuditFile::open(const std::string &path, std::string &why)
{
    open_how how{};
    // A pipe or a device is not waited for.
    how.flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    how.mode = 0600;
    how.resolve = RESOLVE_NO_SYMLINKS;
    const auto file =
        static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how));
    if (file < 0) {
        why = errno == ELOOP ? "a symbolic link leads there" : strerrordesc_np(errno);
        return nullptr;
    }
    std::unique_ptr<AuditFile> opened(new AuditFile(file));
    struct stat status {};
    if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        why = "it is no plain file";
        return nullptr;
    }
    if (status.st_uid != ::geteuid() || status.st_nlink != 1) {
        why = "it is another user's, or has another name besides";
        return nullptr;
    }
    return opened;
}

AuditFile::~AuditFile()
{
    ::close(file_);
}

bool AuditFile::add(std::string_view line)
{
    // One write, so that lines of several apps do not mix.
    std::string text = is_torn_ ? "\n" : "";
    text.append(line).append("\n");
    const ssize_t written = ::write(file_, text.data(), text.size());
    if (written > 0)
        is_torn_ = static_cast<std::size_t>(written) != text.size();
    return written > 0 && !is_torn_;
}

} // namespace cli
