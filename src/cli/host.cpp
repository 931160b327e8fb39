// SPDX-License-Identifier: Apache-2.0
#include "host.hpp"

#include "probes.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <link.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace cli {

std::vector<MemoryRange> memory_map()
{
    std::vector<MemoryRange> ranges;
    std::ifstream file("/proc/self/maps");
    for (std::string line; std::getline(file, line);) {
        MemoryRange range;
        int path = 0;
        // NOLINTNEXTLINE(cert-err34-c): the kernel wrote it, and its numbers fit
        if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n", &range.start,
                        &range.end, &path) != 2)
            continue;
        if (path > 0 && static_cast<std::size_t>(path) < line.size())
            range.path = line.substr(static_cast<std::size_t>(path));
        ranges.push_back(std::move(range));
    }
    return ranges;
}

MemoryRange program_range()
{
    MemoryRange range;
    // The program comes first, before its libraries.
    ::dl_iterate_phdr(
        [](dl_phdr_info *info, std::size_t, void *data) {
            auto &found = *static_cast<MemoryRange *>(data);
            constexpr std::uint64_t kPageMask = 4095;
            found.start = UINT64_MAX;
            for (int i = 0; i < info->dlpi_phnum; i++) {
                if (info->dlpi_phdr[i].p_type != PT_LOAD)
                    continue;
                const std::uint64_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
                const std::uint64_t end = start + info->dlpi_phdr[i].p_memsz;
                found.start = std::min(found.start, start & ~kPageMask);
                found.end = std::max(found.end, (end + kPageMask) & ~kPageMask);
            }
            return 1;
        },
        &range);
    return range;
}

std::string first_line(const std::string &path)
{
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::string kernel_version()
{
    utsname name{};
    return ::uname(&name) == 0 ? std::string(name.sysname) + " " + name.release : "unknown";
}

std::string processor_name()
{
    constexpr std::uint32_t kFirstLeaf = 0x80000002, kLastLeaf = 0x80000004;
    if (probe::cpuid(0x80000000, 0).a < kLastLeaf)
        return "unknown";
    std::string name;
    for (std::uint32_t leaf = kFirstLeaf; leaf <= kLastLeaf; leaf++) {
        const probe::Cpuid part = probe::cpuid(leaf, 0);
        char text[sizeof part];
        std::memcpy(text, &part, sizeof part);
        name.append(text, sizeof text);
    }
    name.resize(std::strlen(name.c_str()));
    const std::size_t start = name.find_first_not_of(' ');
    return start == std::string::npos ? "unknown" : name.substr(start);
}

int processor_count()
{
    return static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
}

bool has_hypervisor_bit()
{
    return (probe::cpuid(1, 0).c >> 31 & 1) != 0;
}

bool has_virtualisation_bit()
{
    const bool vmx = (probe::cpuid(1, 0).c >> 5 & 1) != 0;
    const bool svm = probe::cpuid(0x80000000, 0).a >= 0x80000001 &&
                     (probe::cpuid(0x80000001, 0).c >> 2 & 1) != 0;
    return vmx || svm;
}

std::string frequency_governor()
{
    return first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
}

double load_average()
{
    double load = 0;
    return ::getloadavg(&load, 1) == 1 ? load : -1;
}

bool has_swap()
{
    std::ifstream file("/proc/swaps");
    std::string line;
    std::getline(file, line); // the heading
    return static_cast<bool>(std::getline(file, line));
}

std::vector<std::string> vulnerabilities()
{
    std::vector<std::string> names;
    std::error_code failure;
    const std::filesystem::directory_iterator folder("/sys/devices/system/cpu/vulnerabilities",
                                                     failure);
    if (failure)
        return names;
    for (const auto &entry : folder)
        if (first_line(entry.path().string()).starts_with("Vulnerable"))
            names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace cli
