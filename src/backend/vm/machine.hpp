// SPDX-License-Identifier: Apache-2.0
//
// The virtual machine of one cell: its memory, its processor, and what an exit of it means.
// Who waits for the exit, and for how long, is its owner's affair.
#pragma once

#include "backend/backend.hpp"
#include "backend/vm/page_tables.hpp"
#include "backend/vm/system_memory.hpp"
#include "image/cell_parts.hpp"
#include "os/kvm.hpp"

#include <optional>
#include <vector>

namespace cell::backend::vm {

// Where `syscall` of ring 3 arrives on this host.
enum class Ring { unknown, zero, three };

// Takes features out of a processor's description that no cell needs.
void hide_virtualisation(os::KvmCpuid &cpuid);

class Machine {
public:
    Result<void> create(const os::Kvm &kvm);
    // What its processor says of itself: before the start.
    Result<void> describe(const os::KvmCpuid &cpuid);

    // Maps all of a cell, of which `parts` are kept: what they point at outlives the machine.
    // With an unknown ring one instruction is tried.
    Result<void> start(const image::CellParts &parts, Ring ring);
    Ring ring() const { return ring_; }

    // See Backend.
    Result<void> add_memory(const image::Region &memory);
    Result<void> lend(const image::Region &memory);
    Result<void> take_back(std::uint64_t address);
    Result<void> protect(std::uint64_t address, std::uint64_t size, int protection);

    // The next change of the image's rights sets it.
    void set_thread_pointer(std::uint64_t address) { parts_.thread_pointer = address; }

    // Tells the runtime how to leave, in the mailbox: at the start and after its memory was
    // restored.
    void announce_exit();
    // The processor as after the start.
    Result<void> reset_processor();

    // The general registers of a function that is called with two arguments, for the next
    // entry.
    void set_registers(std::uint64_t function, std::uint64_t first, std::uint64_t second);

    // Enters the machine until its next exit. 0, or the errno of KVM_RUN.
    int run() noexcept { return os::run_processor(processor_.get()); }

    // After an exit: what it means, and what is to be done so that it has no effect on the
    // next entry.
    Exit decode();
    void finish_instruction();
    Registers registers() const;
    bool is_idle() const; // did the runtime leave because there was no request?

    // Takes the code away from a running cell, or gives it back. Its next
    // instruction fetch fails, and KVM_RUN with it: no signal is needed, and none
    // of the program's is touched.
    bool set_executable(bool executable);
    // The kernel splits mappings for it, which fails at its limit of mappings: better now
    // than when a call has to be ended.
    Result<void> rehearse_kick();

    // Shared with the kernel.
    kvm_run &run_page() const { return *reinterpret_cast<kvm_run *>(run_page_.data()); }

    int processor() const { return processor_.get(); }
    // Gives the processor a descriptor of that number and closes that of the machine, which
    // lives as long as its processor: from then on no memory can be added.
    Result<void> keep_processor_only(int number);

private:
    struct Slot {
        std::uint32_t number;
        std::uint64_t physical; // where it is in the machine
        std::uint64_t size;
    };
    struct Memory {
        image::Region region;
        Slot slot;
    };
    static constexpr std::uint32_t kFirstFreeSlot = 1; // slot 0 is the system memory
    static constexpr std::uint64_t kFirstPhysical = std::uint64_t{128} << 20;

    Result<void> map_block(const image::Block &block);
    Result<void> change_image(std::uint64_t address, std::uint64_t size, int protection);
    void load_special();
    Result<Slot> add_slot(const image::Block &block);
    Result<void> remove_slot(const Slot &slot);
    Result<void> prepare_processor();
    Result<void> set_system_call_target(std::uint64_t target);
    Result<void> lead_system_calls();
    Result<void> try_system_call();
    Exit decode_port(std::uint16_t port);
    Exit decode_leave(std::uint64_t exit);
    Exit decode_exception(std::uint32_t vector);
    Registers caller_of_stub() const;

    image::CellParts parts_{};
    // The machine goes before its memory, the processor before the machine.
    os::Mapping system_;
    os::Descriptor machine_, processor_;
    os::Mapping run_page_;
    std::optional<PageTables> tables_;
    std::optional<SystemMemory> layout_;
    std::vector<Memory> memory_, lent_;
    std::vector<Slot> free_slots_; // taken back; each keeps its place in the machine
    std::vector<image::Region> executable_;
    std::byte *return_slot_ = nullptr; // the top of the stack, where a call returns to
    kvm_sregs special_{};
    bool special_is_due_ = false; // they are in the run page, to be loaded on entry
    std::uint32_t next_slot_ = kFirstFreeSlot;
    std::uint64_t next_physical_ = kFirstPhysical;
    Ring ring_ = Ring::unknown;
};

} // namespace cell::backend::vm
