// SPDX-License-Identifier: Apache-2.0
#include "registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <new>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cli::registry {
namespace {

constexpr std::uint64_t kMagic = 0x31505041'4d4253; // "SBMAPP1"
constexpr std::size_t kFileBytes = 4096;
static_assert(sizeof(Record) <= kFileBytes);

class Handle {
public:
    explicit Handle(int number) : number_(number) {}
    ~Handle()
    {
        if (number_ >= 0)
            ::close(number_);
    }
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    int get() const { return number_; }
    int release() { return std::exchange(number_, -1); }

private:
    int number_;
};

std::uint64_t clock_ns(clockid_t clock)
{
    timespec now{};
    if (::clock_gettime(clock, &now) != 0)
        return 0;
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

std::string folder_name()
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the program never changes its environment
    const char *runtime = ::secure_getenv("XDG_RUNTIME_DIR");
    if (runtime && runtime[0] == '/')
        return std::string(runtime) + "/sbm";
    return fmt::format("/tmp/sbm-{}", ::geteuid());
}

// The folder, made if it is not there. In /tmp anybody could have made it: then it is refused.
int open_folder()
{
    const std::string name = folder_name();
    if (::mkdir(name.c_str(), 0700) != 0 && errno != EEXIST)
        throw std::runtime_error(fmt::format("{}: {}", name, strerrordesc_np(errno)));
    Handle folder(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (folder.get() < 0 || ::fstat(folder.get(), &status) != 0)
        throw std::runtime_error(fmt::format("{}: {}", name,
                                             errno == ENOTDIR ? "a symbolic link, or no folder"
                                                              : strerrordesc_np(errno)));
    if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0)
        throw std::runtime_error(name + " is not this user's alone");
    return folder.release();
}

// The part of /proc/PROCESS/FILE that is asked for.
std::string read_proc(int process, const char *file)
{
    std::ifstream stream(fmt::format("/proc/{}/{}", process, file));
    return {std::istreambuf_iterator<char>(stream), {}};
}

std::uint64_t memory_field(const std::string &status, std::string_view name)
{
    const std::size_t at = status.find(name);
    if (at == std::string::npos)
        return 0;
    return std::strtoull(status.c_str() + at + name.size(), nullptr, 10) * 1024;
}

// The processor clock of a process, as in the kernel's posix-timers.h.
std::uint64_t cpu_of(int process)
{
    constexpr clockid_t kSchedulerClock = 2;
    return process > 0 ? clock_ns((~static_cast<clockid_t>(process) << 3) | kSchedulerClock) : 0;
}

std::uint64_t memory_of(int process, int cell)
{
    const std::string own = read_proc(process, "status");
    const std::string other = cell > 0 ? read_proc(cell, "status") : std::string();
    return memory_field(own, "RssAnon:") + memory_field(other, "RssAnon:") +
           std::max(memory_field(own, "RssShmem:"), memory_field(other, "RssShmem:"));
}

template <std::size_t N> void put(char (&to)[N], std::string_view text)
{
    const std::size_t size = std::min(text.size(), N - 1);
    std::memcpy(to, text.data(), size);
    to[size] = '\0';
}

template <std::size_t N> std::string get(const char (&from)[N])
{
    return {from, ::strnlen(from, N)};
}

// A mapped file of somebody's, who may be gone.
class Mapped {
public:
    Mapped(int folder, const char *name)
    {
        const Handle file(::openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
        struct stat status {};
        if (file.get() < 0 || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
            status.st_uid != ::geteuid() || status.st_size != kFileBytes)
            return;
        void *memory = ::mmap(nullptr, kFileBytes, PROT_READ, MAP_SHARED, file.get(), 0);
        if (memory != MAP_FAILED)
            record_ = static_cast<const Record *>(memory);
    }
    ~Mapped()
    {
        if (record_)
            ::munmap(const_cast<Record *>(record_), kFileBytes);
    }
    Mapped(const Mapped &) = delete;
    Mapped &operator=(const Mapped &) = delete;

    bool is_good() const
    {
        return record_ && record_->magic == kMagic && record_->size == sizeof(Record);
    }
    const Record &operator*() const { return *record_; }

private:
    const Record *record_ = nullptr;
};

Running look(const Record &record)
{
    Running app;
    const sbm::AppCounters &counters = record.counters;
    const auto cell = static_cast<int>(counters.cell_process.load(std::memory_order_relaxed));
    app.process = static_cast<int>(record.process);
    app.start_time = record.start_time;
    app.name = get(record.name);
    app.file = get(record.file);
    const int level = counters.level.load(std::memory_order_relaxed);
    app.level = level == 0 ? "-" : sbm_level_name(static_cast<sbm_level>(level));
    app.up_ns = clock_ns(CLOCK_MONOTONIC) - record.began;
    app.calls = counters.calls.load(std::memory_order_relaxed);
    app.denied = counters.denied.load(std::memory_order_relaxed);
    app.delayed = counters.delayed.load(std::memory_order_relaxed);
    app.cpu_ns = cpu_of(app.process) + cpu_of(cell);
    app.memory = memory_of(app.process, cell);
    return app;
}

// "PROCESS-START", or ".PROCESS" of an app that is about to begin.
bool parse(std::string_view name, int &process, std::uint64_t &start)
{
    const bool is_new = name.starts_with('.');
    const char *end = name.data() + name.size();
    const auto id = std::from_chars(name.data() + (is_new ? 1 : 0), end, process);
    if (id.ec != std::errc() || process <= 0)
        return false;
    start = 0;
    if (is_new)
        return id.ptr == end;
    if (id.ptr == end || *id.ptr != '-')
        return false;
    const auto time = std::from_chars(id.ptr + 1, end, start);
    return time.ec == std::errc() && time.ptr == end;
}

} // namespace

std::uint64_t start_time_of(int process)
{
    // The name stands in brackets, and may hold some itself; the time is the 22nd field.
    const std::string text = read_proc(process, "stat");
    std::size_t at = text.rfind(')');
    // One that is dead runs no app, although nobody has collected it yet.
    if (at != std::string::npos && at + 2 < text.size() &&
        (text[at + 2] == 'Z' || text[at + 2] == 'X'))
        return 0;
    for (int field = 2; field < 22 && at != std::string::npos; field++)
        at = text.find(' ', at + 1);
    return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at, nullptr, 10);
}

namespace {

// In a new file of the folder.
Record *make_record(int folder, const char *name)
{
    const Handle file(
        ::openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    void *memory = MAP_FAILED;
    // Memory behind all of it: where the disk is full, a touch of a hole would end the program.
    if (file.get() >= 0 && (errno = ::posix_fallocate(file.get(), 0, kFileBytes)) == 0)
        memory = ::mmap(nullptr, kFileBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (memory != MAP_FAILED)
        return new (memory) Record{};
    const std::string reason = strerrordesc_np(errno);
    ::unlinkat(folder, name, 0);
    throw std::runtime_error(reason);
}

} // namespace

Entry::Entry(std::string_view name, std::string_view file)
{
    Handle folder(open_folder());
    const int process = ::getpid();
    const std::string new_name = fmt::format(".{}", process);
    file_name_ = fmt::format("{}-{}", process, start_time_of(process));
    ::unlinkat(folder.get(), new_name.c_str(), 0);
    record_ = make_record(folder.get(), new_name.c_str());
    record_->magic = kMagic;
    record_->size = sizeof(Record);
    record_->process = process;
    record_->start_time = start_time_of(process);
    record_->began = clock_ns(CLOCK_MONOTONIC);
    put(record_->name, name);
    put(record_->file, file);
    // Whoever finds the file under this name finds all of it.
    if (::renameat(folder.get(), new_name.c_str(), folder.get(), file_name_.c_str()) != 0) {
        ::munmap(record_, kFileBytes);
        ::unlinkat(folder.get(), new_name.c_str(), 0);
        throw std::runtime_error(strerrordesc_np(errno));
    }
    folder_ = folder.release();
}

Entry::~Entry()
{
    ::unlinkat(folder_, file_name_.c_str(), 0);
    ::munmap(record_, kFileBytes);
    ::close(folder_);
}

std::vector<Running> list()
{
    const Handle folder(open_folder());
    std::vector<Running> apps;
    DIR *entries = ::fdopendir(::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0));
    if (!entries)
        throw std::runtime_error(strerrordesc_np(errno));
    // NOLINTNEXTLINE(concurrency-mt-unsafe): of a stream that nobody else has
    while (const dirent *entry = ::readdir(entries)) {
        int process = 0;
        std::uint64_t start = 0;
        if (!parse(entry->d_name, process, start))
            continue;
        const std::uint64_t running = start_time_of(process);
        if (running == 0 || (start != 0 && running != start)) {
            ::unlinkat(folder.get(), entry->d_name, 0);
            continue;
        }
        const Mapped mapped(folder.get(), entry->d_name);
        if (start != 0 && mapped.is_good() && (*mapped).process == process &&
            (*mapped).start_time == start)
            apps.push_back(look(*mapped));
    }
    ::closedir(entries);
    std::sort(apps.begin(), apps.end(),
              [](const Running &a, const Running &b) { return a.process < b.process; });
    return apps;
}

} // namespace cli::registry
