// SPDX-License-Identifier: Apache-2.0
//
// What hostile code would try, as functions that run in a cell. Each does one
// thing and is harmless when it succeeds: it reads, or writes back what is there,
// or asks the kernel for something that changes nothing.
#pragma once

#include <sbm/sandbox.hpp>

#include <array>
#include <cstdint>

namespace cli::probe {

// Answers with its argument plus one: the cell obeys.
long echo(long value);

long read_byte(std::uint64_t address);
// A write access that leaves the byte as it is.
long touch_byte(std::uint64_t address);
// Sets the byte; only for memory that the caller can check.
long write_byte(std::uint64_t address, int value);

struct SystemCall {
    long number;
    std::array<long, 6> arguments;
};
long system_call(SystemCall call);
// The same, from the instruction of the loop of the level `process`.
long loop_system_call(SystemCall call);

// Asks to make the page at `address` writable, and sets its first byte.
long rewrite(std::uint64_t address, int value);

// `int vector` with `number` in RAX.
long interrupt(long vector, long number);
long sysenter(long number);
// A far return into the segment `selector`, and a system call if it gets there.
long far_return(long selector);
// Calls address(0, 0, 0).
long call_address(std::uint64_t address);
// Jumps to `address`, where a `syscall` instruction stands, with `number` in RAX.
long jump_to_system_call(std::uint64_t address, long number);
// The first `syscall` instruction in [start, start + size), or 0.
std::uint64_t find_system_call(std::uint64_t start, std::uint64_t size);
// Where the cell's own memory functions are.
std::uint64_t runtime_address();

// What the port probes return: the instruction was carried out; or, if the port
// is one by which a cell leaves, the call ended with RAX as it was before.
inline constexpr long kPortReached = 0x70727400, kPortLeft = 0x65780000;
// `size` is 1, 2 or 4 bytes.
long port_read(long port, long size);
long port_write(long port);

long read_model_register(long index);

enum class Instruction : long {
    hlt,
    cli,
    clts,
    wbinvd,
    read_cr0,
    read_cr2,
    read_cr3,
    read_cr4,
    read_cr8,
    read_dr0,
    read_dr7,
    invlpg,
    rdpmc,
    lldt,
    ltr,
    monitor,
    iret_to_ring_0,
    sysret,
    count
};
long privileged(Instruction instruction);

// Instructions that tell something about the machine.
std::uint64_t read_clock();
std::uint64_t read_extended_control();
long hypercall_intel(long number);
long hypercall_amd(long number);
enum class Table : long { gdt, idt, ldt, task, machine_status };
std::uint64_t read_table(Table table);
struct Cpuid {
    std::uint32_t a, b, c, d;
};
Cpuid cpuid(std::uint32_t leaf, std::uint32_t subleaf);
// Reads a misaligned word with the alignment check on.
long misaligned_read();

// All registers that XSAVE knows, and the two base registers.
struct alignas(64) Registers {
    std::array<std::uint8_t, 16384> extended;
    std::uint64_t fs_base, gs_base;
};
void read_registers(sbm::Out<Registers> registers);
// Fills vector registers, protection keys and base registers, then faults.
void dirty_registers(std::uint64_t extended_control);

} // namespace cli::probe
