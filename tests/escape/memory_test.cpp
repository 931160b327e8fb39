// SPDX-License-Identifier: Apache-2.0
//
// Hostile code reads, writes and jumps to memory that the cell was not given.
#include "cell_map.hpp"

#include <cstdlib>
#include <memory>

namespace escape {
namespace {

std::uint64_t address_of(const void *pointer)
{
    return reinterpret_cast<std::uint64_t>(pointer);
}

int program_variable = 42;
int program_zero;

ESCAPE_SUITE(Memory);

TEST_P(Memory, OfTheProgramIsOutOfReach)
{
    Cell cell(GetParam());
    int local = 1;
    const auto heap = std::make_unique<int>(2);
    thread_local int thread_variable = 3;
    const void *const places[] = {&program_variable, &program_zero,    &local,  heap.get(),
                                  &thread_variable,  environ[0],       environ, stdout,
                                  cell.get(),        cell.get()->state};
    for (const void *place : places) {
        const std::uint64_t address = address_of(place);
        const int before = attack_read(address); // the twin: the program can
        EXPECT_TRUE(is_access(cell.read(address), SBM_ACCESS_READ, address));
        EXPECT_TRUE(is_access(cell.write(address, ~before & 0xff), SBM_ACCESS_WRITE, address));
        EXPECT_EQ(attack_read(address), before);
    }
    EXPECT_TRUE(cell.works());
}

TEST_P(Memory, OfItsOwnIsReadAndWritten)
{
    Cell cell(GetParam());
    unsigned char buffer[1000] = {};
    const Outcome outcome = cell.run([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_own_memory, SBM_COPY_OUT(sbm, buffer, sizeof buffer),
                        sizeof buffer);
    });
    EXPECT_EQ(outcome.error, 0) << outcome;
    EXPECT_EQ(outcome.value, 0);
    EXPECT_EQ(buffer[999], static_cast<unsigned char>(0x11 + 999 % 256));
    EXPECT_EQ(*attack_variable_address(), 1234) << "a cell's variables are copies";
}

// First, middle and last page of everything that the program has mapped.
TEST_P(Memory, NoMappingOfTheHostIsSeen)
{
    const auto before = mappings_of();
    Cell cell(GetParam());
    const CellPlaces places = find_places(cell, before);
    int denied = 0, allowed = 0;
    for (const Mapping &mapping : mappings_of()) {
        const std::uint64_t middle = mapping.start + (mapping.end - mapping.start) / 8192 * 4096;
        for (const std::uint64_t page : {mapping.start, middle, mapping.end - 4096}) {
            if (kHelper.contains(page))
                continue; // here ThreadSanitizer has memory, and the cell its own loop
            const Outcome outcome = cell.read(page);
            // A module and its window lie where the program has nothing.
            if (!is_module() && (places.object.contains(page) || places.window.contains(page))) {
                allowed += !outcome.faulted();
                continue;
            }
            denied++;
            // Kernel addresses fault without saying where; missing imports by name.
            const bool is_told = outcome.is(SBM_FAULT_MEMORY) || outcome.is(SBM_FAULT_IMPORT);
            EXPECT_TRUE(outcome.faulted()) << mapping.name << " " << outcome;
            EXPECT_TRUE(mapping.name == "[vsyscall]" || (is_told && outcome.address == page))
                << mapping.name << " " << outcome;
        }
    }
    for (const std::uint64_t page :
         {places.object.start, places.object.end - 4096, places.mailbox, places.window.end - 4096})
        allowed += is_module() && !cell.read(page).faulted();
    EXPECT_GT(denied, 30);
    EXPECT_GT(allowed, 3);
    EXPECT_TRUE(cell.works());
}

TEST_P(Memory, OfAnotherCellIsOutOfReach)
{
    auto before = mappings_of();
    Cell first(GetParam());
    const CellPlaces places = find_places(first, before);
    before = mappings_of();
    Cell second(GetParam());
    const CellPlaces others = find_places(second, before);
    ASSERT_FALSE(others.buffers.empty());
    std::vector<Area> areas = others.buffers;
    areas.push_back({others.window.start, others.window.start + 40 * 4096});
    areas.push_back({others.window.end - 4 * 4096, others.window.end});
    for (const Area &area : areas) {
        EXPECT_TRUE(reachable(first, area, Right::read).empty());
        EXPECT_FALSE(reachable(second, area, Right::read).empty()) << "the twin: its own";
    }
    const std::uint64_t buffer = others.buffers[0].start + 4096;
    EXPECT_TRUE(is_access(first.write(buffer, 1), SBM_ACCESS_WRITE, buffer));
    EXPECT_TRUE(first.works());
    EXPECT_TRUE(second.works());
}

TEST_P(Memory, CodeAndConstantsAreReadOnly)
{
    Cell cell(GetParam());
    const auto code = reinterpret_cast<std::uint64_t>(&attack_read);
    const std::uint64_t constant = address_of(attack_constant_address());
    const int byte = attack_read(code);
    const attack_places own = cell.places();
    EXPECT_EQ(own.code == code && own.constant == constant, !is_module());
    EXPECT_EQ(cell.read(own.constant).value, attack_read(constant)) << "the twin: reading";
    for (const std::uint64_t address : {own.code, own.constant}) {
        const Outcome before = cell.read(address);
        EXPECT_FALSE(before.faulted()) << before;
        EXPECT_TRUE(is_module() || before.value == attack_read(address)) << before;
        EXPECT_TRUE(is_access(cell.write(address, 0xcc), SBM_ACCESS_WRITE, address));
        EXPECT_EQ(cell.read(address).value, before.value);
    }
    EXPECT_EQ(attack_read(code), byte);
    EXPECT_TRUE(cell.works());
}

// Global offset table and other data that a program protects after relocation.
TEST_P(Memory, RelocatedConstantsAreReadOnly)
{
    const auto before = mappings_of();
    Cell cell(GetParam());
    const CellPlaces places = find_places(cell, before);
    const std::uint64_t relocated = cell.places().relocated;
    EXPECT_FALSE(cell.read(relocated).faulted()) << "the twin: reading";
    EXPECT_TRUE(is_access(cell.write(relocated, 1), SBM_ACCESS_WRITE, relocated));
    int found = 0;
    for (const Mapping &mapping : mappings_of()) {
        if (!places.object.contains(mapping.start) || mapping.rights.substr(0, 2) != "r-")
            continue;
        found++;
        EXPECT_TRUE(is_access(cell.write(mapping.start, 1), SBM_ACCESS_WRITE, mapping.start));
        EXPECT_FALSE(cell.read(mapping.start).faulted());
    }
    EXPECT_TRUE(found >= 3 || is_module()) << "a module is not among the host's mappings";
    EXPECT_TRUE(cell.works());
}

TEST_P(Memory, StrangeAddressesFault)
{
    Cell cell(GetParam());
    for (const std::uint64_t address :
         {0UL, 0xfffUL, 0x1000UL, 0x400000UL, 0x7fffffffe000UL, 0x7ffffffff000UL}) {
        EXPECT_TRUE(cell.read(address).is(SBM_FAULT_MEMORY));
        EXPECT_TRUE(cell.jump(address).is(SBM_FAULT_MEMORY));
    }
    for (const std::uint64_t address :
         {0x800000000000UL, 0x8000000000000000UL, 0xffff800000000000UL, 0xffff888000000000UL,
          0xfffffe0000000000UL, 0xffffffff81000000UL, 0xffffffffff600000UL, 0xfffffffffffff000UL,
          0xffffffffffffffffUL}) {
        EXPECT_TRUE(cell.read(address).faulted()) << std::hex << address;
        EXPECT_TRUE(cell.write(address, 0).faulted()) << std::hex << address;
        EXPECT_TRUE(cell.jump(address).faulted()) << std::hex << address;
    }
    EXPECT_TRUE(cell.works());
}

TEST_P(Memory, DataIsNotCode)
{
    Cell cell(GetParam());
    for (int place = ATTACK_ON_STACK; place <= ATTACK_IN_CONSTANTS; place++) {
        const Outcome outcome =
            cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_run_data, place); });
        EXPECT_TRUE(outcome.is(SBM_FAULT_MEMORY)) << place << " " << outcome;
        EXPECT_EQ(outcome.access, SBM_ACCESS_EXECUTE) << place;
    }
    const unsigned char code[16] = {0xc3};
    const Outcome outcome = cell.run([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_jump, address_of(SBM_COPY_IN(sbm, code, sizeof code)));
    });
    EXPECT_EQ(outcome.access, SBM_ACCESS_EXECUTE) << outcome;
    EXPECT_TRUE(cell.works()) << "the twin: code is code";
}

// Code of the host's other libraries, and of the program, is no code of the cell.
TEST_P(Memory, CodeOfTheHostIsOutOfReach)
{
    Cell cell(GetParam());
    for (const std::uint64_t address : {reinterpret_cast<std::uint64_t>(&std::system),
                                        reinterpret_cast<std::uint64_t>(&sbm_reset),
                                        reinterpret_cast<std::uint64_t>(&target_name)})
        EXPECT_TRUE(is_access(cell.jump(address), SBM_ACCESS_EXECUTE, address));
    EXPECT_TRUE(cell.works());
}

TEST_P(Memory, BufferEndsAtItsLastByte)
{
    Cell cell(GetParam());
    unsigned char bytes[100] = {};
    for (const std::uint64_t offset : {sizeof bytes - 1, sizeof bytes}) {
        const Outcome outcome = cell.run([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_write,
                            address_of(SBM_COPY_OUT(sbm, bytes, sizeof bytes)) + offset, 9);
        });
        EXPECT_EQ(outcome.is(SBM_FAULT_MEMORY), offset == sizeof bytes) << outcome;
    }
    EXPECT_EQ(bytes[99], 9);
    const Outcome outcome = cell.run([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_write, address_of(SBM_COPY_IN(sbm, bytes, sizeof bytes)), 8);
    });
    EXPECT_EQ(outcome.access, SBM_ACCESS_WRITE) << "an input is read-only: " << outcome;
    EXPECT_EQ(bytes[0], 0);
}

} // namespace
} // namespace escape
