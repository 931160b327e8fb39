// SPDX-License-Identifier: Apache-2.0
//
// Which apps of this user are running: a folder of the user's with a small file for each, which
// is mapped into memory and kept up to date by `sbm run`, without locks. A file whose process
// is gone is nobody's, and removed by whoever finds it.
#pragma once

#include <sbm/app.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cli::registry {

// What stands in a file. Everything before `counters` is written once.
struct Record {
    std::uint64_t magic;
    std::uint64_t size; // of this structure
    std::int64_t process;
    std::uint64_t start_time; // of the process, as the kernel counts: its name with the id
    std::uint64_t began;      // nanoseconds of the monotonic clock
    char name[64], file[1024];
    sbm::AppCounters counters;
};

// The app of this process, listed until the end of this object. Throws std::runtime_error if it
// cannot be.
class Entry {
public:
    Entry(std::string_view name, std::string_view file);
    ~Entry();
    Entry(const Entry &) = delete;
    Entry &operator=(const Entry &) = delete;

    sbm::AppCounters &counters() { return record_->counters; }

private:
    int folder_ = -1;
    std::string file_name_;
    Record *record_ = nullptr;
};

// What is known of a running app. Processor time and memory are those of its processes.
struct Running {
    int process = 0;
    std::uint64_t start_time = 0;
    std::string name, file;
    std::string level;
    std::uint64_t up_ns = 0;
    std::uint64_t calls = 0, denied = 0, delayed = 0;
    std::uint64_t cpu_ns = 0;
    std::uint64_t memory = 0; // bytes: private to its processes, and once what they share
};

// By process id. Throws std::runtime_error if the folder cannot be trusted.
std::vector<Running> list();

// When a process started, as the kernel counts; 0 if there is none.
std::uint64_t start_time_of(int process);

} // namespace cli::registry
