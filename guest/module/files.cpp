// SPDX-License-Identifier: Apache-2.0
//
// Of apps: what the C library does with files, by system calls of the cell. File descriptors
// are a table in the cell; each stands for a handle, or a folder that is being listed.
#include "descriptors.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace sbm::personality {
namespace {

using calls::Status;
using system::call;
using system::Piece;
using system::Results;
using system::Staging;
using system::staging;

File files[kFiles];

} // namespace

Answer errno_of(Status status)
{
    switch (status) {
    case Status::ok:
        return 0;
    case Status::denied:
        return -EACCES;
    case Status::not_found:
        return -ENOENT;
    case Status::exists:
        return -EEXIST;
    case Status::wrong_handle:
    case Status::no_right:
        return -EBADF;
    case Status::quota:
        return -EDQUOT;
    case Status::no_space:
        return -ENOSPC;
    case Status::no_memory:
        return -ENOMEM;
    case Status::failed:
        return -EIO;
    case Status::would_wait:
        return -EAGAIN;
    case Status::unreachable:
        return -ECONNREFUSED;
    case Status::invalid:
    case Status::wrong_region:
    case Status::out_of_range:
        break;
    }
    return -EINVAL;
}

File *find(std::uint64_t number)
{
    if (number < kFirst || number >= kFirst + kFiles)
        return nullptr;
    File &file = files[number - kFirst];
    return file.state == File::State::free ? nullptr : &file;
}
File *find(std::uint64_t number, File::State state)
{
    File *file = find(number);
    return file && file->state == state ? file : nullptr;
}

File *take_free()
{
    for (File &file : files)
        if (file.state == File::State::free) {
            clear(&file, offsetof(File, path) + 1);
            return &file;
        }
    return nullptr;
}

Answer number_of(File &file)
{
    return &file - files + kFirst;
}

namespace {

File *find_file(std::uint64_t number)
{
    return find(number, File::State::file);
}

// Puts a path where the system reads it, without "/" and "./" before it: the folder that
// relative ones begin at is "/". Its length, or kPath if it is too long.
std::size_t stage_path(std::uint64_t address)
{
    const char *path = pointer<const char>(address);
    for (;;) {
        if (*path == '/')
            path++;
        else if (path[0] == '.' && path[1] == '/')
            path += 2;
        else
            break;
    }
    if (path[0] == '.' && path[1] == '\0')
        path++;
    std::size_t size = 0;
    while (size < kPath && path[size] != '\0') {
        staging().bytes[size] = path[size];
        size++;
    }
    while (size > 0 && size < kPath && staging().bytes[size - 1] == '/')
        size--;
    return size;
}

// Is there a folder at the staged path? `invalid` if there is a file.
Status find_folder(std::size_t size)
{
    if (size == 0)
        return Status::ok;
    return call<calls::FileList>(staging().region, 0, size, UINT64_MAX, staging().region,
                                 Staging::kData, 0);
}
bool is_folder(std::size_t size)
{
    return find_folder(size) == Status::ok;
}

Answer open_folder(std::size_t size)
{
    File *file = take_free();
    if (!file)
        return -EMFILE;
    file->state = File::State::folder;
    file->position = 0;
    copy(file->path, staging().bytes, size);
    file->path[size] = '\0';
    return number_of(*file);
}

Status open_handle(std::size_t size, std::uint64_t flags, std::uint64_t rights, Results &handle)
{
    const std::uint64_t region = staging().region;
    if ((flags & O_CREAT) && (flags & O_EXCL))
        return call<calls::FileCreate>(handle, region, 0, size);
    const Status opened = call<calls::FileOpen>(handle, region, 0, size, rights);
    // A policy may allow new files, and no writing to those that are there.
    if (!(flags & O_CREAT) || (opened != Status::not_found && opened != Status::denied))
        return opened;
    const Status created = call<calls::FileCreate>(handle, region, 0, size);
    if (created != Status::exists)
        return created;
    return opened == Status::denied ? opened
                                    : call<calls::FileOpen>(handle, region, 0, size, rights);
}

Answer open_file(std::uint64_t path, std::uint64_t flags)
{
    if (!staging().bytes)
        return -ENOMEM;
    const std::size_t size = stage_path(path);
    if (size == kPath)
        return -ENAMETOOLONG;
    const std::uint64_t access = flags & O_ACCMODE;
    const bool readable = access != O_WRONLY, writable = access != O_RDONLY;
    if (size == 0 || (flags & O_DIRECTORY)) {
        const Status status = find_folder(size);
        if (status != Status::ok)
            return status == Status::invalid ? -ENOTDIR : errno_of(status);
        return writable ? -EISDIR : open_folder(size);
    }
    File *file = take_free();
    if (!file)
        return -EMFILE;
    Results handle;
    const Status status = open_handle(size, flags, (readable ? 1 : 0) | (writable ? 2 : 0), handle);
    if (status == Status::invalid && is_folder(size))
        return writable ? -EISDIR : open_folder(size);
    if (status != Status::ok)
        return errno_of(status);
    if ((flags & O_TRUNC) && writable)
        if (const Status cut = call<calls::FileTruncate>(handle.words[0], 0); cut != Status::ok) {
            call<calls::HandleClose>(handle.words[0]);
            return errno_of(cut);
        }
    file->state = File::State::file;
    file->appends = (flags & O_APPEND) != 0;
    file->readable = readable;
    file->writable = writable;
    file->handle = handle.words[0];
    return number_of(*file);
}

Answer close_file(std::uint64_t number)
{
    if (number < kFirst)
        return 0;
    File *file = find(number);
    if (!file)
        return -EBADF;
    if (file->handle)
        call<calls::HandleClose>(file->handle);
    file->state = File::State::free;
    forget(number);
    return 0;
}

// In pieces of what a call takes; ends early where the file does.
Answer read_at(const File &file, std::uint64_t position, std::uint64_t target, std::uint64_t size)
{
    std::uint64_t done = 0;
    while (done < size) {
        const Piece piece(target + done, size - done);
        Results count;
        const Status status = call<calls::FileRead>(count, file.handle, position + done,
                                                    piece.region(), piece.offset(), piece.size());
        if (status != Status::ok)
            return done ? static_cast<Answer>(done) : errno_of(status);
        piece.receive(count.words[0]);
        done += count.words[0];
        if (count.words[0] < piece.size())
            break;
    }
    return static_cast<Answer>(done);
}

Answer write_at(const File &file, std::uint64_t position, std::uint64_t source, std::uint64_t size)
{
    std::uint64_t done = 0;
    while (done < size) {
        const Piece piece(source + done, size - done);
        piece.send();
        Results count;
        const Status status = call<calls::FileWrite>(count, file.handle, position + done,
                                                     piece.region(), piece.offset(), piece.size());
        if (status != Status::ok)
            return done ? static_cast<Answer>(done) : errno_of(status);
        done += count.words[0];
        if (count.words[0] < piece.size())
            break;
    }
    return static_cast<Answer>(done);
}

Answer say(std::uint64_t stream, std::uint64_t source, std::uint64_t size)
{
    for (std::uint64_t done = 0; done < size;) {
        const Piece piece(source + done, size - done);
        if (!piece.has_region())
            return -ENOMEM;
        piece.send();
        const Status status =
            call<calls::SelfLog>(stream, piece.region(), piece.offset(), piece.size());
        if (status != Status::ok)
            return done ? static_cast<Answer>(done) : errno_of(status);
        done += piece.size();
    }
    return static_cast<Answer>(size);
}

Answer read_file(std::uint64_t number, std::uint64_t target, std::uint64_t size)
{
    if (number == 0)
        return 0; // standard input is at its end
    File *file = find(number);
    if (!file)
        return -EBADF;
    switch (file->state) {
    case File::State::file:
        break;
    case File::State::socket:
        return receive(*file, target, size);
    case File::State::timer:
        return read_timer(*file, target, size);
    case File::State::folder:
        return -EISDIR;
    default:
        return -EINVAL;
    }
    if (!file->readable)
        return -EBADF;
    const Answer done = read_at(*file, file->position, target, size);
    if (done > 0)
        file->position += static_cast<std::uint64_t>(done);
    return done;
}

Answer size_of_file(const File &file, std::uint64_t &size)
{
    Results result;
    const Status status = call<calls::FileSize>(result, file.handle);
    size = result.words[0];
    return errno_of(status);
}

Answer write_file(std::uint64_t number, std::uint64_t source, std::uint64_t size)
{
    if (number == 1 || number == 2)
        return say(number, source, size);
    if (File *socket = find(number, File::State::socket))
        return transmit(*socket, source, size);
    File *file = find_file(number);
    if (!file || !file->writable)
        return -EBADF;
    if (file->appends)
        if (const Answer failed = size_of_file(*file, file->position))
            return failed;
    const Answer done = write_at(*file, file->position, source, size);
    if (done > 0)
        file->position += static_cast<std::uint64_t>(done);
    return done;
}

// readv and writev: one part after the other, until one is not done whole.
Answer in_parts(std::uint64_t number, std::uint64_t parts, std::uint64_t count,
                Answer (*one)(std::uint64_t, std::uint64_t, std::uint64_t))
{
    struct Part {
        std::uint64_t bytes, size;
    };
    if (find(number, File::State::socket)) // of datagrams each part would be one
        return one == read_file ? receive_parts(number, parts, count)
                                : transmit_parts(number, parts, count);
    Answer total = 0;
    for (std::uint64_t i = 0; i < count; i++) {
        const Part part = pointer<const Part>(parts)[i];
        const Answer done = one(number, part.bytes, part.size);
        if (done < 0)
            return total ? total : done;
        total += done;
        if (static_cast<std::uint64_t>(done) < part.size)
            break;
    }
    return total;
}

Answer seek(std::uint64_t number, std::uint64_t offset, std::uint64_t whence)
{
    if (number < kFirst)
        return -ESPIPE;
    File *file = find(number);
    if (!file)
        return -EBADF;
    if (file->state != File::State::file && file->state != File::State::folder)
        return -ESPIPE;
    std::uint64_t base = 0;
    if (whence == SEEK_CUR)
        base = file->position;
    else if (whence == SEEK_END && file->state == File::State::file) {
        if (const Answer failed = size_of_file(*file, base))
            return failed;
    } else if (whence != SEEK_SET)
        return -EINVAL;
    const std::uint64_t position = base + offset; // a negative offset wraps
    if (static_cast<std::int64_t>(position) < 0)
        return -EINVAL;
    file->position = position;
    return static_cast<Answer>(position);
}

void fill_status(std::uint64_t target, std::uint32_t mode, std::uint64_t size)
{
    auto *status = pointer<struct stat>(target);
    clear(status, sizeof *status);
    status->st_mode = mode;
    status->st_nlink = 1;
    status->st_ino = 1;
    status->st_uid = status->st_gid = 65534;
    status->st_size = static_cast<off_t>(size);
    status->st_blksize = 4096;
    status->st_blocks = static_cast<blkcnt_t>((size + 511) / 512);
}

Answer describe(std::uint64_t number, std::uint64_t target)
{
    if (number < kFirst) {
        fill_status(target, S_IFCHR | 0620, 0);
        return 0;
    }
    const File *file = find(number);
    if (!file)
        return -EBADF;
    std::uint64_t size = 0;
    if (file->state == File::State::folder) {
        fill_status(target, S_IFDIR | 0700, 0);
        return 0;
    }
    if (file->state != File::State::file) {
        fill_status(target, S_IFSOCK | 0600, 0);
        return 0;
    }
    if (const Answer failed = size_of_file(*file, size))
        return failed;
    fill_status(target, S_IFREG | 0600, size);
    return 0;
}

Answer describe_path(std::uint64_t path, std::uint64_t target)
{
    if (!staging().bytes)
        return -ENOMEM;
    const std::size_t size = stage_path(path);
    if (size == kPath)
        return -ENAMETOOLONG;
    if (is_folder(size)) {
        fill_status(target, S_IFDIR | 0700, 0);
        return 0;
    }
    Results handle, bytes;
    if (const Status status = call<calls::FileOpen>(handle, staging().region, 0, size, 1);
        status != Status::ok)
        return errno_of(status);
    const Status status = call<calls::FileSize>(bytes, handle.words[0]);
    call<calls::HandleClose>(handle.words[0]);
    if (status == Status::ok)
        fill_status(target, S_IFREG | 0600, bytes.words[0]);
    return errno_of(status);
}

Answer describe_at(Arguments a)
{
    constexpr std::uint64_t kEmptyPath = 0x1000;
    if ((a[3] & kEmptyPath) && *pointer<const char>(a[1]) == '\0')
        return describe(a[0], a[2]);
    return describe_path(a[1], a[2]);
}

template <class Call> Answer on_path(std::uint64_t path)
{
    if (!staging().bytes)
        return -ENOMEM;
    const std::size_t size = stage_path(path);
    return size == kPath ? -ENAMETOOLONG : errno_of(call<Call>(staging().region, 0, size));
}

Answer truncate(std::uint64_t number, std::uint64_t size)
{
    const File *file = find_file(number);
    return file ? errno_of(call<calls::FileTruncate>(file->handle, size)) : -EBADF;
}

Answer sync(std::uint64_t number)
{
    const File *file = find(number);
    if (!file)
        return -EBADF;
    if (file->state != File::State::file && file->state != File::State::folder)
        return -EINVAL;
    // That a new name is kept is the affair of the folder's own file system.
    return file->state == File::State::folder ? 0 : errno_of(call<calls::FileSync>(file->handle));
}

// The kernel's entries of a folder, as many as fit.
Answer list(std::uint64_t number, std::uint64_t target, std::uint64_t size)
{
    File *file = find(number);
    if (!file || file->state != File::State::folder)
        return file ? -ENOTDIR : -EBADF;
    std::size_t path = 0;
    for (; file->path[path] != '\0'; path++)
        staging().bytes[path] = file->path[path];
    Results count;
    const Status status =
        call<calls::FileList>(count, staging().region, 0, path, file->position, staging().region,
                              Staging::kData, Staging::kBytes - Staging::kData);
    if (status != Status::ok)
        return errno_of(status);
    const char *name = staging().bytes + Staging::kData;
    std::uint64_t used = 0;
    for (std::uint64_t i = 0; i < count.words[0]; i++) {
        std::size_t length = 0;
        while (name[length] != '\0')
            length++;
        const bool is_deep = length > 0 && name[length - 1] == '/';
        const std::size_t shown = length - (is_deep ? 1 : 0);
        const std::size_t entry = (offsetof(dirent64, d_name) + shown + 1 + 7) & ~std::size_t{7};
        if (entry > size - used)
            return used ? static_cast<Answer>(used) : -EINVAL;
        auto *to = pointer<dirent64>(target + used);
        clear(to, entry);
        to->d_ino = 1;
        to->d_off = static_cast<off64_t>(++file->position);
        to->d_reclen = static_cast<unsigned short>(entry);
        to->d_type = is_deep ? DT_DIR : DT_REG;
        copy(to->d_name, name, shown);
        used += entry;
        name += length + 1;
    }
    return static_cast<Answer>(used);
}

Answer flags_of(const File &file)
{
    const bool is_readonly =
        file.state == File::State::folder || (file.state == File::State::file && !file.writable);
    return (is_readonly ? O_RDONLY : O_RDWR) | (file.returns_at_once ? O_NONBLOCK : 0);
}

Answer control_device(std::uint64_t number, std::uint64_t command, std::uint64_t argument)
{
    if (number < kFirst)
        return -ENOTTY;
    File *file = find(number);
    if (!file)
        return -EBADF;
    if (command != FIONBIO)
        return -ENOTTY;
    file->returns_at_once = *pointer<const int>(argument) != 0;
    return 0;
}

Answer control(std::uint64_t number, std::uint64_t command, std::uint64_t argument)
{
    if (number >= kFirst && !find(number))
        return -EBADF;
    switch (command) {
    case F_GETLK: // nobody else has the files
        pointer<struct flock>(argument)->l_type = F_UNLCK;
        return 0;
    case F_SETFL:
        if (number >= kFirst)
            find(number)->returns_at_once = (argument & O_NONBLOCK) != 0;
        return 0;
    case F_GETFD:
    case F_SETFD:
    case F_SETLK:
    case F_SETLKW:
        return 0;
    case F_GETFL:
        return number < kFirst ? O_RDWR : flags_of(*find(number));
    default:
        return -EINVAL;
    }
}

Answer positioned(std::uint64_t number, Arguments a)
{
    const File *file = find_file(a[0]);
    if (!file)
        return a[0] < kFirst ? -ESPIPE : -EBADF;
    if (number == SYS_pread64)
        return file->readable ? read_at(*file, a[3], a[1], a[2]) : -EBADF;
    return file->writable ? write_at(*file, a[3], a[1], a[2]) : -EBADF;
}

Answer path_call(std::uint64_t number, Arguments a, bool &known)
{
    switch (number) {
    case SYS_open:
        return open_file(a[0], a[1]);
    case SYS_openat:
        return open_file(a[1], a[2]);
    case SYS_stat:
    case SYS_lstat:
        return describe_path(a[0], a[1]);
    case SYS_newfstatat:
        return describe_at(a);
    case SYS_access:
        return on_path<calls::FileExists>(a[0]);
    case SYS_faccessat:
    case SYS_faccessat2:
        return on_path<calls::FileExists>(a[1]);
    case SYS_unlink:
        return on_path<calls::FileRemove>(a[0]);
    case SYS_unlinkat:
        return on_path<calls::FileRemove>(a[1]);
    case SYS_getcwd:
        if (a[1] < 2)
            return -ERANGE;
        copy(pointer<char>(a[0]), "/", 2);
        return 2;
    case SYS_readlink:
    case SYS_readlinkat:
        return -EINVAL; // there are no links
    default:
        known = false;
        return 0;
    }
}

} // namespace

Answer file_call(std::uint64_t number, Arguments a, bool &known)
{
    switch (number) {
    case SYS_read:
        return read_file(a[0], a[1], a[2]);
    case SYS_readv:
        return in_parts(a[0], a[1], a[2], read_file);
    case SYS_write:
        return write_file(a[0], a[1], a[2]);
    case SYS_writev:
        return in_parts(a[0], a[1], a[2], write_file);
    case SYS_pread64:
    case SYS_pwrite64:
        return positioned(number, a);
    case SYS_close:
        return close_file(a[0]);
    case SYS_lseek:
        return seek(a[0], a[1], a[2]);
    case SYS_fstat:
        return describe(a[0], a[1]);
    case SYS_ftruncate:
        return truncate(a[0], a[1]);
    case SYS_fsync:
    case SYS_fdatasync:
        return sync(a[0]);
    case SYS_getdents64:
        return list(a[0], a[1], a[2]);
    case SYS_ioctl:
        return control_device(a[0], a[1], a[2]);
    case SYS_fcntl:
        return control(a[0], a[1], a[2]);
    default:
        break;
    }
    Answer answer = 0;
    known = answer_from<path_call, network_call, event_call>(number, a, answer);
    return answer;
}

} // namespace sbm::personality
