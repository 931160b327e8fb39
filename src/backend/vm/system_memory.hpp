// SPDX-License-Identifier: Apache-2.0
//
// What the processor itself needs in a cell's virtual machine: descriptor tables,
// a task state segment, gates, and the few instructions that leave the machine.
// There is no operating system in it.
//
// All of it lies in one piece of host memory at guest-physical 0, and in the cell
// at addresses that the image keeps free. Code of the cell runs in ring 3 and can
// reach one page of it: the exit stubs, readable and executable.
#pragma once

#include "backend/backend.hpp"
#include "backend/vm/page_tables.hpp"
#include "os/kvm.hpp"

#include <cstdint>

namespace cell::backend::vm {

// Ports that ring 3 may write to, by the I/O bitmap; the port is the message.
inline constexpr std::uint16_t kPortReturn = 0x10;     // RAX is the function's value
inline constexpr std::uint16_t kPortLeave = 0x11;      // RDI is an enum sbm_exit
inline constexpr std::uint16_t kPortSystemCall = 0x12; // after `syscall`
// Ports that only the gates use: exception vectors start here.
inline constexpr std::uint16_t kPortException = 0x80;

// What a gate found on its stack.
struct ExceptionFrame {
    std::uint64_t code = 0;
    std::uint64_t instruction = 0;
    std::uint64_t stack = 0;
};

class SystemMemory {
public:
    // The pages before the page tables.
    static constexpr std::uint64_t kTablesOffset = std::uint64_t{16} * 4096;

    // Fills `memory`, which the cell has at `address`.
    SystemMemory(std::byte *memory, std::uint64_t address);

    // Makes the pages visible: stubs to ring 3, the rest to ring 0.
    Result<void> map(PageTables &tables) const;

    // Is `address` in the pages of gates and stubs?
    bool is_own_code(std::uint64_t address) const;

    std::uint64_t return_stub() const;
    std::uint64_t leave_stub() const;
    std::uint64_t system_call_stub() const;
    std::uint64_t trial_stub() const; // a `syscall`

    // For a module, where `syscall` reaches ring 0: code that continues at `target` in ring
    // 3 with RCX, R11 and all other registers as `syscall` leaves them.
    std::uint64_t system_call_gate() const;
    void set_system_call_target(std::uint64_t target);

    // The processor in ring 3 on these tables. `thread_pointer` goes to FS.
    void set_registers(kvm_sregs &registers, std::uint64_t root,
                       std::uint64_t thread_pointer) const;

    // The registers of a processor that came to the system-call stub in ring 0, as
    // `syscall` does where it reaches ring 0. For trying that on hosts where it does
    // not.
    void enter_ring_0(kvm_sregs &registers) const;

    // What the gate of `vector` was given, with the cell stopped in it.
    ExceptionFrame frame(std::uint32_t vector, std::uint64_t stack) const;

private:
    void fill_descriptors();
    void fill_task_state();
    void fill_gates();
    void fill_stubs();
    void fill_system_call_gate();

    std::byte *memory_;
    std::uint64_t address_;
};

} // namespace cell::backend::vm
