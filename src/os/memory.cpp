// SPDX-License-Identifier: Apache-2.0
#include "os/memory.hpp"

#include "base/checked.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U // Linux 6.3
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U // Linux 6.3
#endif

namespace cell::os {

Mapping &Mapping::operator=(Mapping &&other) noexcept
{
    if (this != &other) {
        if (address_)
            ::munmap(address_, size_);
        address_ = std::exchange(other.address_, nullptr);
        size_ = std::exchange(other.size_, 0);
    }
    return *this;
}

Mapping::~Mapping()
{
    if (address_)
        ::munmap(address_, size_);
}

Result<Mapping> reserve(std::size_t size, std::size_t alignment)
{
    const auto padded = checked_add(size, alignment);
    if (!padded)
        return error(Errc::no_memory, "cannot reserve %zu bytes of address space", size);
    void *raw =
        ::mmap(nullptr, *padded, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED)
        return os_error(errno, "cannot reserve %zu bytes of address space", size);
    const auto start = reinterpret_cast<std::uint64_t>(raw);
    const std::uint64_t aligned = round_up(start, alignment);
    if (aligned != start)
        ::munmap(raw, aligned - start);
    const std::uint64_t end = start + *padded;
    if (end != aligned + size)
        ::munmap(reinterpret_cast<void *>(aligned + size), end - (aligned + size));
    return Mapping(reinterpret_cast<void *>(aligned), size);
}

Result<Mapping> anonymous(std::size_t size)
{
    void *raw = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED)
        return os_error(errno, "cannot map %zu bytes", size);
    return Mapping(raw, size);
}

Result<Mapping> map_file(int file, std::uint64_t offset, std::size_t size, int protection,
                         int flags, void *address)
{
    void *raw = ::mmap(address, size, protection, flags, file, static_cast<off_t>(offset));
    if (raw == MAP_FAILED)
        return os_error(errno, "cannot map %zu bytes of a file", size);
    return Mapping(raw, size);
}

Result<void> map_over(void *address, std::size_t size, int protection, int file,
                      std::uint64_t offset, int flags)
{
    if (::mmap(address, size, protection, flags | MAP_FIXED, file, static_cast<off_t>(offset)) ==
        MAP_FAILED)
        return os_error(errno, "cannot map %zu bytes at a fixed address", size);
    return {};
}

Result<Descriptor> open_for_reading(const std::string &path)
{
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file)
        return os_error(errno, "cannot open %s", path.c_str());
    return file;
}

Result<std::vector<std::byte>> read_all(int file, std::size_t limit)
{
    constexpr std::size_t kStep = std::size_t{1} << 20;
    std::vector<std::byte> content;
    for (std::size_t done = 0;;) {
        content.resize(done + kStep);
        const ssize_t n = ::read(file, content.data() + done, kStep);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return os_error(errno, "cannot read the file");
        done += static_cast<std::size_t>(n);
        if (done > limit)
            return error(Errc::misuse, "the file is larger than %zu bytes", limit);
        if (n == 0) {
            content.resize(done);
            return content;
        }
    }
}

namespace {

Result<Descriptor> create_memory_file(const char *name, unsigned flags, unsigned newer)
{
    // Kernels before 6.3 refuse the newer flags; what they say is then the default.
    int number = ::memfd_create(name, flags | newer);
    if (number < 0 && errno == EINVAL)
        number = ::memfd_create(name, flags);
    if (number < 0)
        return os_error(errno, "cannot create a memory file");
    return Descriptor(number);
}

} // namespace

namespace {

// The limit of a file's size holds for memory files too, and to exceed it is a signal that
// ends the program. For its lifetime the signal is an error of this thread's calls instead.
class NoFileSizeSignal {
public:
    NoFileSizeSignal()
    {
        ::sigemptyset(&set_);
        ::sigaddset(&set_, SIGXFSZ);
        ::pthread_sigmask(SIG_BLOCK, &set_, &old_);
        sigset_t pending;
        was_pending_ = ::sigpending(&pending) == 0 && ::sigismember(&pending, SIGXFSZ) == 1;
    }
    ~NoFileSizeSignal()
    {
        const int error = errno;
        const timespec now{};
        if (!was_pending_)
            ::sigtimedwait(&set_, nullptr, &now);
        ::pthread_sigmask(SIG_SETMASK, &old_, nullptr);
        errno = error;
    }
    NoFileSizeSignal(const NoFileSizeSignal &) = delete;
    NoFileSizeSignal &operator=(const NoFileSizeSignal &) = delete;

private:
    sigset_t set_{}, old_{};
    bool was_pending_ = false;
};

Error too_large(int number, const char *what)
{
    if (number == EFBIG)
        return error(Errc::no_memory, "%s: the limit of a file's size (RLIMIT_FSIZE) is too small",
                     what);
    return os_error(number, "%s", what);
}

} // namespace

Result<Descriptor> memory_file(const char *name, std::uint64_t size)
{
    CELL_TRY(Descriptor file, create_memory_file(name, MFD_CLOEXEC, MFD_NOEXEC_SEAL));
    CELL_CHECK(resize_memory_file(file.get(), size));
    return file;
}

Result<void> resize_memory_file(int file, std::uint64_t size)
{
    const NoFileSizeSignal no_signal;
    if (::ftruncate(file, static_cast<off_t>(size)) != 0)
        return too_large(errno, "cannot size a memory file");
    return {};
}

namespace {

Result<void> write_all(int file, std::span<const std::byte> content)
{
    const NoFileSizeSignal no_signal;
    std::size_t done = 0;
    while (done < content.size()) {
        const ssize_t n = ::write(file, content.data() + done, content.size() - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return too_large(n < 0 ? errno : ENOSPC, "cannot fill a file");
        done += static_cast<std::size_t>(n);
    }
    return {};
}

} // namespace

Result<void> write_file(const std::string &path, std::span<const std::byte> content)
{
    std::string unfinished = path + ".XXXXXX";
    const Descriptor file(::mkostemp(unfinished.data(), O_CLOEXEC));
    if (!file)
        return os_error(errno, "cannot create a file beside %s", path.c_str());
    auto written = write_all(file.get(), content);
    if (written && ::fsync(file.get()) != 0)
        written = os_error(errno, "cannot write %s", path.c_str());
    if (written && ::fchmod(file.get(), 0644) == 0 &&
        ::rename(unfinished.c_str(), path.c_str()) == 0)
        return {};
    const int number = errno;
    ::unlink(unfinished.c_str());
    return written ? Result<void>(os_error(number, "cannot replace %s", path.c_str())) : written;
}

namespace {

Result<Descriptor> create_program_file(const char *name)
{
    return create_memory_file(name, MFD_CLOEXEC | MFD_ALLOW_SEALING, MFD_EXEC);
}

Result<void> seal(const Descriptor &file)
{
    if (::fcntl(file.get(), F_ADD_SEALS,
                F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
        return os_error(errno, "cannot seal a memory file");
    return {};
}

} // namespace

Result<Descriptor> program_file(const char *name, std::span<const std::byte> content)
{
    CELL_TRY(Descriptor file, create_program_file(name));
    CELL_CHECK(write_all(file.get(), content));
    CELL_CHECK(seal(file));
    return file;
}

Result<Descriptor> copy_program_file(const char *name, int source, std::size_t limit)
{
    constexpr std::size_t kStep = std::size_t{1} << 18; // what a cache holds
    const auto step = std::make_unique_for_overwrite<std::byte[]>(kStep);
    CELL_TRY(Descriptor file, create_program_file(name));
    for (std::size_t done = 0;;) {
        const ssize_t n = ::read(source, step.get(), kStep);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return os_error(errno, "cannot read the file");
        if (n == 0)
            break;
        done += static_cast<std::size_t>(n);
        if (done > limit)
            return error(Errc::misuse, "the file is larger than %zu bytes", limit);
        CELL_CHECK(write_all(file.get(), {step.get(), static_cast<std::size_t>(n)}));
    }
    CELL_CHECK(seal(file));
    return file;
}

Result<void> write_at(int file, std::uint64_t offset,
                      std::span<const std::span<const std::byte>> pieces)
{
    constexpr std::size_t kMost = 64;
    while (!pieces.empty()) {
        std::array<iovec, kMost> list;
        const std::size_t count = std::min(pieces.size(), kMost);
        std::size_t total = 0;
        for (std::size_t i = 0; i < count; i++) {
            list[i] = {const_cast<std::byte *>(pieces[i].data()), pieces[i].size()};
            total += pieces[i].size();
        }
        const ssize_t written =
            ::pwritev(file, list.data(), static_cast<int>(count), static_cast<off_t>(offset));
        // A memory file takes all of it, or there is no memory.
        if (written < 0 || static_cast<std::size_t>(written) != total)
            return os_error(written < 0 ? errno : ENOMEM, "cannot fill a memory file");
        offset += total;
        pieces = pieces.subspan(count);
    }
    return {};
}

void map_around(std::span<const std::byte> bytes) noexcept
{
    constexpr std::size_t kAround = 16 * kPage;
    for (std::size_t at = 0; at < bytes.size(); at += kAround)
        static_cast<void>(*static_cast<const volatile std::byte *>(bytes.data() + at));
}

std::uint64_t memory_of_file(int file) noexcept
{
    struct stat status;
    return ::fstat(file, &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) : 0;
}

void give_back(int file, std::uint64_t offset, std::uint64_t size) noexcept
{
    ::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                static_cast<off_t>(size));
}

const std::vector<Piece> &Touched::find(int file, std::uint64_t offset, std::uint64_t size)
{
    const std::uint64_t memory = memory_of_file(file);
    if (memory == memory_)
        return pieces_;
    forget(); // unless all of it succeeds
    pieces_.clear();
    for_each_piece(file, offset, size, [&](std::uint64_t start, std::uint64_t end) {
        pieces_.push_back({start, end});
    });
    memory_ = memory;
    return pieces_;
}

bool zero_memory_file(int file, std::byte *mapping, std::span<const Piece> touched,
                      std::uint64_t offset, std::uint64_t size, std::uint64_t keep) noexcept
{
    bool gave_back = false;
    for (const Piece &piece : touched) {
        const std::uint64_t start = std::max(piece.start, offset);
        const std::uint64_t end = std::min(piece.end, offset + size);
        if (start >= end)
            continue;
        const std::uint64_t cleared = std::min(keep, end - start);
        std::memset(mapping + start, 0, cleared);
        keep -= cleared;
        if (start + cleared < end) {
            give_back(file, start + cleared, end - start - cleared);
            gave_back = true;
        }
    }
    return gave_back;
}

} // namespace cell::os
