// SPDX-License-Identifier: Apache-2.0
//
// What the host says about itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cli {

struct MemoryRange {
    std::uint64_t start = 0, end = 0;
    std::string path; // "", "[stack]", a file, …
};

// The mappings of this process, from /proc/self/maps.
std::vector<MemoryRange> memory_map();

// The addresses of the program itself, without its libraries.
MemoryRange program_range();

std::string kernel_version();
std::string processor_name();
int processor_count();
// Does the processor say that a hypervisor runs below this host?
bool has_hypervisor_bit();
// Does it say that it can run virtual machines itself?
bool has_virtualisation_bit();
// The frequency governor of the first processor, "" if there is none.
std::string frequency_governor();
double load_average();
bool has_swap();
// Weaknesses of the processor that the kernel calls vulnerable.
std::vector<std::string> vulnerabilities();

// The first line of a file, "" if it cannot be read.
std::string first_line(const std::string &path);

} // namespace cli
