// SPDX-License-Identifier: Apache-2.0
#include "backend/vm/system_memory.hpp"

#include "base/checked.hpp"

#include <cstring>
#include <initializer_list>

namespace cell::backend::vm {
namespace {

// Page by page. Page 0 stays empty.
constexpr std::uint64_t kDescriptors = 1 * kPage, kInterrupts = 2 * kPage, kTaskState = 3 * kPage,
                        kGates = 4 * kPage, kStubs = 5 * kPage, kStack = 6 * kPage,
                        kStackTop = 8 * kPage;

constexpr std::uint16_t kRing0Code = 0x08, kRing3Data = 0x1b, kRing3Code = 0x23,
                        kTaskSelector = 0x28;
constexpr unsigned kVectors = 32;
constexpr std::uint64_t kGateBytes = 16, kStubBytes = 16;
constexpr std::uint64_t kTaskBytes = 104; // the I/O bitmap follows
constexpr std::uint64_t kPorts = 256;
// Behind the gates, and behind the task state: the gate of system calls and its data.
constexpr std::uint64_t kSystemCallGate = kGates + 2048, kSystemCallData = kTaskState + 2048;
constexpr std::uint64_t kSavedStack = kSystemCallData, kTarget = kSystemCallData + 8,
                        kGateStack = kSystemCallData + 16;
constexpr std::uint64_t kTaskLimit = kTaskBytes + kPorts / 8; // and one byte of ones

// CR0: PE MP ET NE WP AM PG. CR4: PAE OSFXSR OSXMMEXCPT UMIP FSGSBASE OSXSAVE.
// EFER: SCE LME LMA NXE.
constexpr std::uint64_t kCr0 = 0x80050033, kEfer = 0xd01;
constexpr std::uint64_t kCr4 = 0x20 | 0x200 | 0x400 | 1U << 11 | 1U << 16 | 1U << 18;

void put(std::byte *target, std::uint64_t value)
{
    std::memcpy(target, &value, sizeof value);
}

void put_code(std::byte *target, std::initializer_list<unsigned> bytes)
{
    for (const unsigned byte : bytes)
        *target++ = static_cast<std::byte>(byte);
}

bool pushes_error_code(std::uint32_t vector)
{
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 ||
           vector == 29 || vector == 30;
}

} // namespace

SystemMemory::SystemMemory(std::byte *memory, std::uint64_t address)
    : memory_(memory), address_(address)
{
    fill_descriptors();
    fill_task_state();
    fill_gates();
    fill_stubs();
    fill_system_call_gate();
}

void SystemMemory::fill_descriptors()
{
    std::byte *table = memory_ + kDescriptors;
    put(table + kRing0Code, 0x00af9b000000ffff);
    put(table + 0x10, 0x00cf93000000ffff);
    put(table + (kRing3Data & ~3), 0x00cff3000000ffff);
    put(table + (kRing3Code & ~3), 0x00affb000000ffff);
    const std::uint64_t base = address_ + kTaskState;
    put(table + kTaskSelector, kTaskLimit | (base & 0xffffff) << 16 | std::uint64_t{0x89} << 40 |
                                   (base >> 24 & 0xff) << 56);
    put(table + kTaskSelector + 8, base >> 32);
}

// Every entry to ring 0 uses the first stack of the interrupt stack table.
void SystemMemory::fill_task_state()
{
    std::byte *task = memory_ + kTaskState;
    put(task + 4, address_ + kStackTop);
    put(task + 36, address_ + kStackTop);
    const std::uint16_t bitmap = kTaskBytes;
    std::memcpy(task + 102, &bitmap, sizeof bitmap);
    std::memset(task + kTaskBytes, 0xff, kPorts / 8 + 1);
    for (const std::uint16_t port : {kPortReturn, kPortLeave, kPortSystemCall})
        task[kTaskBytes + port / 8] &= static_cast<std::byte>(~(1U << port % 8));
}

// A gate leaves the machine with its vector as the port, again and again. Ring 0
// has no other code, and touches no memory of the cell.
void SystemMemory::fill_gates()
{
    for (unsigned vector = 0; vector < kVectors; vector++) {
        const std::uint64_t handler = address_ + kGates + vector * kGateBytes;
        // Breakpoints may come from ring 3 by `int3`; other vectors only by faults.
        const std::uint64_t type = vector == 3 || vector == 4 ? 0xee : 0x8e;
        std::byte *gate = memory_ + kInterrupts + vector * std::uint64_t{16};
        put(gate, (handler & 0xffff) | std::uint64_t{kRing0Code} << 16 | std::uint64_t{1} << 32 |
                      type << 40 | (handler >> 16 & 0xffff) << 48);
        put(gate + 8, handler >> 32);
        put_code(memory_ + kGates + vector * kGateBytes,
                 {0xe6, kPortException + vector, 0xeb, 0xfc});
    }
}

// `out %al, $port`, then either a loop or the way back into the runtime.
void SystemMemory::fill_stubs()
{
    std::byte *stubs = memory_ + kStubs;
    std::memset(stubs, 0xcc, kPage);
    put_code(stubs, {0xe6, kPortReturn, 0xeb, 0xfc});
    put_code(stubs + kStubBytes, {0xe6, kPortLeave, 0xc3});
    put_code(stubs + 2 * kStubBytes, {0xe6, kPortSystemCall, 0xeb, 0xfc});
    put_code(stubs + 3 * kStubBytes, {0x0f, 0x05});
}

// The way back to ring 3. There is no stack but the cell's own, so RSP goes to memory
// first; the stack of the gates then carries the frame of an interrupt's return.
void SystemMemory::fill_system_call_gate()
{
    put(memory_ + kGateStack, address_ + kStackTop);
    std::byte *code = memory_ + kSystemCallGate;
    const auto add = [&](std::initializer_list<unsigned> bytes, std::uint64_t operand = 0) {
        put_code(code, bytes);
        code += bytes.size();
        if (operand == 0)
            return;
        // An address in this memory, relative to the end of the instruction.
        const auto distance =
            static_cast<std::int32_t>(static_cast<std::int64_t>(operand) - (code + 4 - memory_));
        std::memcpy(code, &distance, sizeof distance);
        code += sizeof distance;
    };
    add({0x48, 0x89, 0x25}, kSavedStack); // mov %rsp, saved
    add({0x48, 0x8b, 0x25}, kGateStack);  // mov stack, %rsp
    add({0x6a, kRing3Data});              // push $ss
    add({0xff, 0x35}, kSavedStack);       // push saved
    add({0x41, 0x53});                    // push %r11
    add({0x6a, kRing3Code});              // push $cs
    add({0xff, 0x35}, kTarget);           // push target
    add({0x48, 0xcf});                    // iretq
}

Result<void> SystemMemory::map(PageTables &tables) const
{
    CELL_CHECK(tables.map(address_ + kDescriptors, 3 * kPage, kDescriptors,
                          {.write = true, .execute = false, .user = false}));
    CELL_CHECK(tables.map(address_ + kGates, kPage, kGates,
                          {.write = false, .execute = true, .user = false}));
    CELL_CHECK(tables.map(address_ + kStubs, kPage, kStubs,
                          {.write = false, .execute = true, .user = true}));
    return tables.map(address_ + kStack, kStackTop - kStack, kStack,
                      {.write = true, .execute = false, .user = false});
}

bool SystemMemory::is_own_code(std::uint64_t address) const
{
    static_assert(kStubs == kGates + kPage);
    return contains(address_ + kGates, 2 * kPage, address, 1);
}

std::uint64_t SystemMemory::return_stub() const
{
    return address_ + kStubs;
}
std::uint64_t SystemMemory::leave_stub() const
{
    return address_ + kStubs + kStubBytes;
}
std::uint64_t SystemMemory::system_call_stub() const
{
    return address_ + kStubs + 2 * kStubBytes;
}

std::uint64_t SystemMemory::trial_stub() const
{
    return address_ + kStubs + 3 * kStubBytes;
}
std::uint64_t SystemMemory::system_call_gate() const
{
    return address_ + kSystemCallGate;
}
void SystemMemory::set_system_call_target(std::uint64_t target)
{
    put(memory_ + kTarget, target);
}

void SystemMemory::set_registers(kvm_sregs &registers, std::uint64_t root,
                                 std::uint64_t thread_pointer) const
{
    registers.cr0 = kCr0;
    registers.cr3 = root;
    registers.cr4 = kCr4;
    registers.efer = kEfer;
    kvm_segment code{};
    code.limit = 0xffffffff;
    code.selector = kRing3Code;
    code.type = 11;
    code.present = code.s = code.l = code.g = 1;
    code.dpl = 3;
    kvm_segment data = code;
    data.selector = kRing3Data;
    data.type = 3;
    data.l = 0;
    data.db = 1;
    registers.cs = code;
    registers.ds = registers.es = registers.fs = registers.gs = registers.ss = data;
    registers.fs.base = thread_pointer;
    registers.gdt.base = address_ + kDescriptors;
    registers.gdt.limit = kTaskSelector + 15;
    registers.idt.base = address_ + kInterrupts;
    registers.idt.limit = kVectors * 16 - 1;
    kvm_segment task{};
    task.base = address_ + kTaskState;
    task.limit = kTaskLimit;
    task.selector = kTaskSelector;
    task.type = 11;
    task.present = 1;
    registers.tr = task;
}

void SystemMemory::enter_ring_0(kvm_sregs &registers) const
{
    registers.cs.selector = kRing0Code;
    registers.cs.dpl = 0;
    registers.ss.selector = 0x10;
    registers.ss.dpl = 0;
}

ExceptionFrame SystemMemory::frame(std::uint32_t vector, std::uint64_t stack) const
{
    // The gate pushed SS, RSP, RFLAGS, CS, RIP and perhaps an error code below
    // the top of its stack, which ring 3 cannot write.
    const std::uint64_t size = pushes_error_code(vector) ? 48 : 40;
    if (stack != address_ + kStackTop - size)
        return {};
    std::uint64_t words[6];
    std::memcpy(words, memory_ + kStackTop - size, size);
    const std::uint64_t *frame = words + (size == 48 ? 1 : 0);
    return {.code = size == 48 ? words[0] : 0, .instruction = frame[0], .stack = frame[3]};
}

} // namespace cell::backend::vm
