// SPDX-License-Identifier: Apache-2.0
#include "questions.hpp"

#include "host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <random>

namespace cli {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::size_t kPages = 250, kRandom = 250;
constexpr int kInitial = 0, kSecret = 0xa5, kOverwrite = 0x3c;

// A variable of this program: a cell has it too, as a fresh copy.
volatile std::uint8_t canary = kInitial;

std::uint64_t address_of(const volatile void *pointer)
{
    return reinterpret_cast<std::uint64_t>(pointer);
}

bool contains(const MemoryRange &range, std::uint64_t address)
{
    return address >= range.start && address < range.end;
}

// The ranges of this process's addresses that a cell has as well, as its own
// image: the program, and what the library mapped for the cell.
std::vector<MemoryRange> shared_with_cell(const std::vector<MemoryRange> &map)
{
    std::vector<MemoryRange> ranges = {program_range()};
    std::copy_if(map.begin(), map.end(), std::back_inserter(ranges),
                 [](const MemoryRange &range) { return range.path.starts_with("/memfd:sbm-"); });
    return ranges;
}

bool is_in(const std::vector<MemoryRange> &ranges, std::uint64_t address)
{
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const MemoryRange &range) { return contains(range, address); });
}

// Pages of the host that the cell must not have: the ends of each mapping, and
// others at random, `kPages` of them at most.
std::vector<std::uint64_t> foreign_pages(std::mt19937_64 &random)
{
    const std::vector<MemoryRange> map = memory_map(), own = shared_with_cell(map);
    std::vector<std::uint64_t> ends, others;
    for (const MemoryRange &range : map) {
        if (is_in(own, range.start))
            continue;
        ends.push_back(range.start);
        ends.push_back(range.end - kPage);
        for (int i = 0; i < 4; i++)
            others.push_back(range.start + random() % (range.end - range.start));
    }
    std::shuffle(ends.begin(), ends.end(), random);
    std::shuffle(others.begin(), others.end(), random);
    ends.insert(ends.end(), others.begin(), others.end());
    ends.resize(std::min(ends.size(), kPages));
    return ends;
}

// A third in the lower half, a third in the upper, a third in no half.
std::uint64_t random_address(std::mt19937_64 &random)
{
    constexpr std::uint64_t kLower = (std::uint64_t{1} << 47) - 1, kUpper = ~kLower;
    switch (random() % 3) {
    case 0:
        return random() & kLower;
    case 1:
        return random() | kUpper;
    default:
        return random();
    }
}

void try_address(Examiner &examiner, std::uint64_t address)
{
    const std::string name = fmt::format("{:#x}", address);
    examiner.tried("reading " + name, probe::read_byte, address);
    examiner.tried("writing " + name, probe::touch_byte, address);
}

void try_canary(Examiner &examiner)
{
    canary = kSecret;
    const Outcome read = examiner.trial().attempt(probe::read_byte, address_of(&canary));
    examiner.count("reading a variable", read, read.problem.empty() && read.value != kSecret);
    const Outcome write =
        examiner.trial().attempt(probe::write_byte, address_of(&canary), kOverwrite);
    examiner.count("writing a variable", write, write.problem.empty() && canary == kSecret);
    canary = kInitial;
}

} // namespace

Answer ask_memory(Trial &trial, Progress &progress)
{
    Examiner examiner(trial, progress, "Can it read or write any memory but its own?");
    if (!Trial::is_strong(trial.level())) {
        const auto secret = std::make_unique<std::uint8_t>(std::uint8_t{kSecret});
        examiner.begin("a byte of the host's heap");
        try_address(examiner, address_of(secret.get()));
        return examiner.answer();
    }
    std::mt19937_64 random{std::random_device{}()};
    examiner.begin("pages of this process, read and written");
    for (const std::uint64_t address : foreign_pages(random))
        try_address(examiner, address);
    examiner.begin("random addresses, read and written");
    const std::vector<MemoryRange> own = shared_with_cell(memory_map());
    for (std::size_t i = 0; i < kRandom; i++) {
        const std::uint64_t address = random_address(random);
        if (!is_in(own, address))
            try_address(examiner, address);
    }
    examiner.begin("a variable of this program, whose value here the cell must not see or change");
    try_canary(examiner);
    examiner.begin("the program's code and constants, written");
    examiner.tried("writing code", probe::touch_byte,
                   address_of(reinterpret_cast<void *>(&ask_memory)));
    examiner.tried("writing constants", probe::touch_byte, program_range().start);
    return examiner.answer();
}

} // namespace cli
