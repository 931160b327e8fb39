// SPDX-License-Identifier: Apache-2.0
#include "backend/vm/machine.hpp"

#include "base/checked.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <utility>

namespace cell::backend::vm {
namespace {

constexpr std::uint64_t kSystemBytes = std::uint64_t{16} << 20; // address space; touched as needed

constexpr std::uint32_t kStar = 0xc0000081, kLstar = 0xc0000082, kSyscallMask = 0xc0000084,
                        kKernelGsBase = 0xc0000102;
// Everything that a handler in the kernel would not want set: as Linux does.
constexpr std::uint64_t kMaskedFlags = 0x257fd5;

PageTables::Rights rights(int protection)
{
    return {.write = (protection & PROT_WRITE) != 0,
            .execute = (protection & PROT_EXEC) != 0,
            .user = true};
}

} // namespace

// Hypervisor-in-the-cell features are of no use in a cell and have had bugs.
void hide_virtualisation(os::KvmCpuid &cpuid)
{
    for (std::uint32_t i = 0; i < cpuid.count && i < cpuid.entries.size(); i++) {
        kvm_cpuid_entry2 &entry = cpuid.entries[i];
        if (entry.function == 1)
            entry.ecx &= ~(1U << 5); // VMX
        if (entry.function == 0x80000001)
            entry.ecx &= ~(1U << 2); // SVM
    }
}

Result<void> Machine::create(const os::Kvm &kvm)
{
    CELL_TRY(machine_, kvm.create_machine());
    CELL_TRY(system_, os::anonymous(kSystemBytes));
    CELL_CHECK(os::set_memory_slot(machine_.get(), 0, false, 0, kSystemBytes, system_.data()));
    CELL_TRY(processor_, os::create_processor(machine_.get()));
    CELL_TRY(run_page_,
             os::map_file(processor_.get(), 0, kvm.run_size(), PROT_READ | PROT_WRITE, MAP_SHARED));
    return {};
}

Result<void> Machine::describe(const os::KvmCpuid &cpuid)
{
    return os::set_cpuid(processor_.get(), cpuid);
}

Result<void> Machine::start(const image::CellParts &parts, Ring ring)
{
    parts_ = parts;
    ring_ = ring;
    tables_.emplace(system_.data() + SystemMemory::kTablesOffset,
                    kSystemBytes - SystemMemory::kTablesOffset, SystemMemory::kTablesOffset);
    layout_.emplace(system_.data(), parts.system_window);
    CELL_CHECK(layout_->map(*tables_));
    for (const image::Block &block : parts.blocks)
        CELL_CHECK(map_block(block));
    return_slot_ = parts.host(parts.stack_top - sizeof(std::uint64_t), sizeof(std::uint64_t),
                              PROT_READ | PROT_WRITE);
    if (!return_slot_)
        return error(Errc::misuse, "the cell has no stack");
    announce_exit();
    CELL_CHECK(prepare_processor());
    if (parts.is_module())
        CELL_CHECK(lead_system_calls());
    return reset_processor();
}

Result<void> Machine::add_memory(const image::Region &memory)
{
    CELL_TRY(const Slot slot, add_slot({memory.host, memory.size, true}));
    memory_.push_back({memory, slot});
    return {};
}

Result<void> Machine::lend(const image::Region &memory)
{
    const bool writable = (memory.protection & PROT_WRITE) != 0;
    CELL_TRY(const Slot slot, add_slot({memory.host, memory.size, writable}));
    lent_.push_back({memory, slot});
    auto mapped =
        tables_->map(memory.address, memory.size, slot.physical, rights(memory.protection));
    if (!mapped)
        CELL_CHECK(take_back(memory.address));
    return mapped;
}

// Hosts that shadow the page tables forget what they know of them with a slot.
Result<void> Machine::take_back(std::uint64_t address)
{
    const auto at = std::find_if(lent_.begin(), lent_.end(), [&](const Memory &memory) {
        return memory.region.address == address;
    });
    if (at == lent_.end())
        return error(Errc::misuse, "memory that the cell does not have");
    tables_->unmap(at->region.address, at->region.size);
    CELL_CHECK(remove_slot(at->slot));
    lent_.erase(at);
    return {};
}

Result<void> Machine::protect(std::uint64_t address, std::uint64_t size, int protection)
{
    for (const Memory &memory : memory_)
        if (contains(memory.region.address, memory.region.size, address, size))
            return tables_->map(address, size,
                                memory.slot.physical + (address - memory.region.address),
                                rights(protection));
    for (const image::Region &region : parts_.regions)
        if (region.may_change && region.address == address && region.size == size)
            return change_image(address, size, protection);
    return error(Errc::misuse, "memory that the cell does not have");
}

Result<void> Machine::change_image(std::uint64_t address, std::uint64_t size, int protection)
{
    CELL_CHECK(tables_->replace(address, size, rights(protection)));
    special_.cr3 = tables_->root();
    special_.fs.base = parts_.thread_pointer;
    load_special();
    return {};
}

void Machine::load_special()
{
    run_page().s.regs.sregs = special_;
    special_is_due_ = true;
}

void Machine::announce_exit()
{
    parts_.mailbox->leave = layout_->leave_stub();
}

Result<void> Machine::keep_processor_only(int number)
{
    machine_.reset(); // it may have that number
    CELL_TRY(processor_, os::move_to(std::move(processor_), number));
    return {};
}

// All regions of the image that lie in one piece of host memory.
Result<void> Machine::map_block(const image::Block &block)
{
    CELL_TRY(const Slot slot, add_slot(block));
    for (const image::Region &region : parts_.regions) {
        if (!block.has(region))
            continue;
        const auto offset = static_cast<std::uint64_t>(region.host - block.host);
        CELL_CHECK(tables_->map(region.address, region.size, slot.physical + offset,
                                rights(region.protection)));
        if (region.protection & PROT_EXEC)
            executable_.push_back(region);
    }
    return {};
}

// Blocks start at a large page on both sides, so that large pages can be used.
Result<Machine::Slot> Machine::add_slot(const image::Block &block)
{
    Slot slot{next_slot_, next_physical_, block.size};
    const auto fits = [&](const Slot &free) { return free.size >= block.size; };
    const auto free = std::find_if(free_slots_.begin(), free_slots_.end(), fits);
    if (free != free_slots_.end())
        slot = {free->number, free->physical, free->size};
    CELL_CHECK(os::set_memory_slot(machine_.get(), slot.number, !block.writable, slot.physical,
                                   block.size, block.host));
    if (free != free_slots_.end()) {
        free_slots_.erase(free);
        return slot;
    }
    next_physical_ = round_up(slot.physical + block.size, kLargePage);
    next_slot_++;
    return slot;
}

Result<void> Machine::remove_slot(const Slot &slot)
{
    free_slots_.reserve(free_slots_.size() + 1);
    CELL_CHECK(os::set_memory_slot(machine_.get(), slot.number, false, slot.physical, 0, nullptr));
    free_slots_.push_back(slot);
    return {};
}

// What ring 3 cannot change.
Result<void> Machine::prepare_processor()
{
    CELL_TRY(special_, os::get_special_registers(processor_.get()));
    layout_->set_registers(special_, tables_->root(), parts_.thread_pointer);
    CELL_CHECK(os::set_special_registers(processor_.get(), special_));
    // KVM completes what the structure leaves open.
    CELL_TRY(special_, os::get_special_registers(processor_.get()));
    CELL_CHECK(os::enable_extended_states(processor_.get()));
    run_page().kvm_valid_regs = KVM_SYNC_X86_REGS;
    return set_system_call_target(layout_->system_call_stub());
}

// Where `syscall` leads: on a bare processor in ring 0, under some nested KVM in
// ring 3. The stub leaves the machine from either.
Result<void> Machine::set_system_call_target(std::uint64_t target)
{
    const os::KvmRegister registers[] = {
        {kStar, std::uint64_t{0x08} << 32 | std::uint64_t{0x10} << 48},
        {kLstar, target},
        {kSyscallMask, kMaskedFlags},
        {kKernelGsBase, 0},
    };
    return os::set_model_registers(processor_.get(), registers);
}

// A module answers its system calls itself, in ring 3. Where `syscall` reaches ring 0,
// a few instructions there send it back.
Result<void> Machine::lead_system_calls()
{
    if (ring_ == Ring::unknown)
        CELL_CHECK(try_system_call());
    layout_->set_system_call_target(parts_.system_call_entry);
    return set_system_call_target(ring_ == Ring::zero ? layout_->system_call_gate()
                                                      : parts_.system_call_entry);
}

// Runs one `syscall` of the stubs' own, and looks where it came out.
Result<void> Machine::try_system_call()
{
    kvm_regs &registers = run_page().s.regs.regs;
    registers = {};
    registers.rip = layout_->trial_stub();
    registers.rsp = parts_.stack_top;
    registers.rflags = 2;
    run_page().kvm_dirty_regs = KVM_SYNC_X86_REGS;
    int failure;
    do
        failure = run();
    while (failure == EINTR || failure == EAGAIN);
    run_page().kvm_dirty_regs = 0;
    if (failure || run_page().exit_reason != KVM_EXIT_IO || run_page().io.port != kPortSystemCall)
        return error(Errc::not_available, "`syscall` does not arrive in a cell on this host");
    CELL_TRY(const kvm_sregs special, os::get_special_registers(processor_.get()));
    ring_ = special.cs.dpl == 0 ? Ring::zero : Ring::three;
    return os::set_special_registers(processor_.get(), special_);
}

// What ring 3 can change, or a fault did. General registers are set by each call;
// segments, control registers and what hangs on them go with the next entry, if
// they have changed: loading them can cost more than a call.
Result<void> Machine::reset_processor()
{
    CELL_TRY(kvm_sregs now, os::get_special_registers(processor_.get()));
    now.cr2 = special_.cr2; // the last page fault's address, which ring 3 cannot read
    if (std::memcmp(&now, &special_, sizeof now) != 0)
        load_special();
    return os::reset_extended_state(processor_.get());
}

bool Machine::set_executable(bool executable)
{
    bool done = true;
    for (const image::Region &region : executable_)
        done = ::mprotect(region.host, region.size,
                          !executable     ? PROT_NONE
                          : region.shared ? PROT_READ | PROT_WRITE
                                          : PROT_READ) == 0 &&
               done;
    return done;
}

Result<void> Machine::rehearse_kick()
{
    const bool taken = set_executable(false);
    if (set_executable(true) && taken)
        return {};
    return error(Errc::no_memory, "the program has too many mappings for one more cell");
}

void Machine::set_registers(std::uint64_t function, std::uint64_t first, std::uint64_t second)
{
    const std::uint64_t back = layout_->return_stub();
    std::memcpy(return_slot_, &back, sizeof back);
    kvm_regs &registers = run_page().s.regs.regs;
    registers = {};
    registers.rip = function;
    registers.rdi = first;
    registers.rsi = second;
    registers.rsp = parts_.stack_top - sizeof back;
    registers.rflags = 2;
    run_page().kvm_dirty_regs = KVM_SYNC_X86_REGS;
    if (std::exchange(special_is_due_, false))
        run_page().kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
}

// KVM finishes an instruction that left by a port or by memory when it is entered
// again, and may then write the registers as they were: into the next call. For
// the stubs' own instruction it does not, which saves a run for every call.
void Machine::finish_instruction()
{
    const bool may_be_pending =
        run_page().exit_reason == KVM_EXIT_IO || run_page().exit_reason == KVM_EXIT_MMIO;
    if (!may_be_pending ||
        (run_page().exit_reason == KVM_EXIT_IO && run_page().io.direction == KVM_EXIT_IO_OUT &&
         layout_->is_own_code(run_page().s.regs.regs.rip)))
        return;
    run_page().immediate_exit = 1;
    run(); // EINTR, as it was asked to
    run_page().immediate_exit = 0;
}

Exit Machine::decode()
{
    switch (run_page().exit_reason) {
    case KVM_EXIT_IO:
        return decode_port(run_page().io.port);
    case KVM_EXIT_SHUTDOWN:
        return Faulted{8, 0, 0, registers()};
    case KVM_EXIT_MMIO:
        return Faulted{14, run_page().mmio.is_write ? 2U : 0U, run_page().mmio.phys_addr,
                       registers()};
    default:
        return Killed{error(Errc::fault, "the virtual machine stopped for reason %u",
                            run_page().exit_reason)};
    }
}

Exit Machine::decode_port(std::uint16_t port)
{
    const kvm_regs &at = run_page().s.regs.regs;
    if (run_page().io.direction == KVM_EXIT_IO_IN)
        return Faulted{13, 0, 0, registers()}; // the open ports are for writing
    if (port == kPortReturn)
        return Returned{static_cast<std::int64_t>(at.rax)};
    if (port == kPortLeave)
        return decode_leave(at.rdi);
    if (port == kPortSystemCall) {
        if (parts_.is_module()) // its `syscall` leads elsewhere: it jumped to the stub
            return Faulted{13, 0, 0, registers()};
        Registers state = registers();
        state.values[Registers::kInstruction] = at.rcx - 2; // where `syscall` stood
        return SystemCall{at.rax, state};
    }
    return decode_exception(static_cast<std::uint32_t>(port - kPortException));
}

Exit Machine::decode_leave(std::uint64_t exit)
{
    const sbm_mailbox &mailbox = *parts_.mailbox;
    if (exit == SBM_EXIT_HOST_CALL)
        return HostCall{mailbox.call_proxy, mailbox.call_arguments};
    return Aborted{caller_of_stub()};
}

// The leave stub has no frame: what called it is on top of the stack. Only memory
// that the cell can write is looked at, since code may be taken away right now.
Registers Machine::caller_of_stub() const
{
    Registers state = registers();
    const std::byte *top =
        parts_.host(state.stack(), sizeof(std::uint64_t), PROT_READ | PROT_WRITE);
    if (top) {
        std::memcpy(&state.values[Registers::kInstruction], top, sizeof(std::uint64_t));
        state.values[Registers::kStack] += sizeof(std::uint64_t);
    }
    return state;
}

Exit Machine::decode_exception(std::uint32_t vector)
{
    const ExceptionFrame frame = layout_->frame(vector, run_page().s.regs.regs.rsp);
    Registers state = registers();
    state.values[Registers::kInstruction] = frame.instruction;
    state.values[Registers::kStack] = frame.stack;
    std::uint64_t address = 0;
    if (vector == 14)
        if (const auto special = os::get_special_registers(processor_.get()))
            address = special->cr2;
    return Faulted{vector, frame.code, address, state};
}

Registers Machine::registers() const
{
    const kvm_regs &at = run_page().s.regs.regs;
    return {{at.r8, at.r9, at.r10, at.r11, at.r12, at.r13, at.r14, at.r15, at.rdi, at.rsi, at.rbp,
             at.rbx, at.rdx, at.rax, at.rcx, at.rsp, at.rip}};
}

bool Machine::is_idle() const
{
    return run_page().exit_reason == KVM_EXIT_IO && run_page().io.direction == KVM_EXIT_IO_OUT &&
           run_page().io.port == kPortLeave && run_page().s.regs.regs.rdi == SBM_EXIT_IDLE;
}

} // namespace cell::backend::vm
