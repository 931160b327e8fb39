// SPDX-License-Identifier: Apache-2.0
//
// Level `vm`: the cell is a virtual machine without an operating system, whose
// processor starts in ring 3. It leaves by writing to an allowed port; faults come
// through gates that do nothing but leave.
#include "backend/backend.hpp"

#include "backend/mailbox.hpp"
#include "backend/spin.hpp"
#include "backend/vm/page_tables.hpp"
#include "backend/vm/runner.hpp"
#include "backend/vm/system_memory.hpp"
#include "backend/watchdog.hpp"
#include "base/checked.hpp"
#include "os/kvm.hpp"
#include "os/places.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <vector>

namespace cell::backend {
namespace {

constexpr std::uint32_t kFirstFreeSlot = 1;                     // slot 0 is the system memory
constexpr std::uint64_t kSystemBytes = std::uint64_t{64} << 20; // address space; touched as needed
constexpr std::uint64_t kFirstPhysical = std::uint64_t{128} << 20;
constexpr std::uint64_t kLongestWait = 100'000'000; // for an exit, before looking again

constexpr std::uint32_t kStar = 0xc0000081, kLstar = 0xc0000082, kSyscallMask = 0xc0000084,
                        kKernelGsBase = 0xc0000102;
// Everything that a handler in the kernel would not want set: as Linux does.
constexpr std::uint64_t kMaskedFlags = 0x257fd5;

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

// KVM on this machine. Asking it what a processor can do takes longer than making one.
class VmHost final : public Host {
public:
    Result<void> find()
    {
        CELL_TRY(kvm_, os::Kvm::open());
        CELL_TRY(cpuid_, kvm_.supported_cpuid());
        hide_virtualisation(cpuid_);
        return {};
    }

    Result<std::unique_ptr<Backend>> open() override;

    const os::Kvm &kvm() const { return kvm_; }
    const os::KvmCpuid &cpuid() const { return cpuid_; }

    // Does `syscall` reach ring 0 here? Empty until somebody has tried.
    enum class Ring { unknown, zero, three };
    Ring system_call_ring() const { return ring_; }
    void set_system_call_ring(Ring ring) { ring_ = ring; }

private:
    os::Kvm kvm_;
    os::KvmCpuid cpuid_;
    std::atomic<Ring> ring_{Ring::unknown};
};

class VmBackend final : public Backend {
public:
    ~VmBackend() override { stop_serving(); }

    explicit VmBackend(VmHost &host) : host_(host), watchdog_([this] { set_executable(false); }) {}

    Result<void> open()
    {
        CELL_TRY(machine_, host_.kvm().create_machine());
        CELL_TRY(system_, os::anonymous(kSystemBytes));
        CELL_CHECK(os::set_memory_slot(machine_.get(), 0, false, 0, kSystemBytes, system_.data()));
        CELL_TRY(processor_, os::create_processor(machine_.get()));
        CELL_TRY(run_page_, os::map_file(processor_.get(), 0, host_.kvm().run_size(),
                                         PROT_READ | PROT_WRITE, MAP_SHARED));
        return os::set_cpuid(processor_.get(), host_.cpuid());
    }

    Result<void> start(const image::CellImage &image) override
    {
        image_ = &image;
        tables_.emplace(system_.data() + vm::SystemMemory::kTablesOffset,
                        kSystemBytes - vm::SystemMemory::kTablesOffset,
                        vm::SystemMemory::kTablesOffset);
        layout_.emplace(system_.data(), image.system_window());
        CELL_CHECK(layout_->map(*tables_));
        for (const image::Block &block : image.blocks())
            CELL_CHECK(map_block(block));
        return_slot_ = image.host(image.stack_top() - sizeof(std::uint64_t), sizeof(std::uint64_t),
                                  PROT_READ | PROT_WRITE);
        image.mailbox().leave = layout_->leave_stub();
        CELL_CHECK(rehearse_kick());
        CELL_CHECK(prepare_processor());
        if (image.is_module())
            CELL_CHECK(lead_system_calls());
        return reset_processor();
    }

    Result<void> add_memory(const image::Region &memory) override
    {
        CELL_TRY(const Slot slot, add_slot({memory.host, memory.size, true}));
        memory_.push_back({memory, slot});
        return {};
    }

    Result<void> lend(const image::Region &memory) override
    {
        stop_serving();
        const bool writable = (memory.protection & PROT_WRITE) != 0;
        CELL_TRY(const Slot slot, add_slot({memory.host, memory.size, writable}));
        lent_.push_back({memory, slot});
        const auto mapped =
            tables_->map(memory.address, memory.size, slot.physical, rights(memory.protection));
        if (!mapped)
            CELL_CHECK(take_back(memory.address));
        return mapped;
    }

    // Hosts that shadow the page tables forget what they know of them with a slot.
    Result<void> take_back(std::uint64_t address) override
    {
        stop_serving();
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

    Result<void> settle() override
    {
        stop_serving();
        return {};
    }

    Result<void> protect(std::uint64_t address, std::uint64_t size, int protection) override
    {
        for (const Memory &memory : memory_)
            if (contains(memory.region.address, memory.region.size, address, size))
                return tables_->map(address, size,
                                    memory.slot.physical + (address - memory.region.address),
                                    rights(protection));
        return error(Errc::misuse, "memory that the cell does not have");
    }

    Exit call(std::uint64_t function, std::uint64_t data, const Limits &limits) override
    {
        if (runner_)
            return call_hot(function, data, limits);
        if (const auto begun = watchdog_.begin(limits); !begun)
            return Killed{begun.error()};
        limited_ = true;
        set_registers(image_->entry(), function, data);
        return enter();
    }

    Exit resume(std::int64_t result) override
    {
        image_->mailbox().call_result = result;
        if (const Limit limit = limited_ ? watchdog_.resume() : Limit::none; limit != Limit::none) {
            limited_ = false;
            watchdog_.end();
            return TimedOut{limit, registers()};
        }
        if (!runner_)
            return enter();
        runner_->enter();
        return await_hot();
    }

    Result<void> set_spin(std::uint64_t bound) override
    {
        stop_serving();
        spin_ = Spin();
        if (bound == 0) {
            runner_.reset();
            return {};
        }
        CELL_TRY(places_, os::Places::of_caller());
        if (!runner_) {
            CELL_TRY(runner_, vm::Runner::start(processor_.get()));
        }
        spin_ = Spin(bound, os::TickMeter().rate());
        return {};
    }

    void cancel() noexcept override { watchdog_.cancel(); }

    void abandon() override
    {
        watchdog_.abandon();
        if (runner_)
            runner_->abandon();
    }

    // Between two entries the processor stands still by itself.
    void halt() override
    {
        stop_serving();
        if (std::exchange(limited_, false) && watchdog_.end() != Limit::none)
            set_executable(true); // a call that stopped at a refused host call
    }

    Result<void> restart() override
    {
        watchdog_.forget_cancellation();
        image_->mailbox().leave = layout_->leave_stub();
        return reset_processor();
    }

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

    kvm_run &run() const { return *reinterpret_cast<kvm_run *>(run_page_.data()); }

    static vm::PageTables::Rights rights(int protection)
    {
        return {.write = (protection & PROT_WRITE) != 0,
                .execute = (protection & PROT_EXEC) != 0,
                .user = true};
    }

    // All regions of the image that lie in one piece of host memory.
    Result<void> map_block(const image::Block &block)
    {
        CELL_TRY(const Slot slot, add_slot(block));
        for (const image::Region &region : image_->regions()) {
            if (region.host < block.host || region.host >= block.host + block.size)
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
    Result<Slot> add_slot(const image::Block &block)
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

    Result<void> remove_slot(const Slot &slot)
    {
        free_slots_.reserve(free_slots_.size() + 1);
        CELL_CHECK(
            os::set_memory_slot(machine_.get(), slot.number, false, slot.physical, 0, nullptr));
        free_slots_.push_back(slot);
        return {};
    }

    // What ring 3 cannot change.
    Result<void> prepare_processor()
    {
        CELL_TRY(special_, os::get_special_registers(processor_.get()));
        layout_->set_registers(special_, tables_->root(), image_->thread_pointer());
        CELL_CHECK(os::set_special_registers(processor_.get(), special_));
        // KVM completes what the structure leaves open.
        CELL_TRY(special_, os::get_special_registers(processor_.get()));
        CELL_CHECK(os::enable_extended_states(processor_.get()));
        run().kvm_valid_regs = KVM_SYNC_X86_REGS;
        return set_system_call_target(layout_->system_call_stub());
    }

    // Where `syscall` leads: on a bare processor in ring 0, under some nested KVM in
    // ring 3. The stub leaves the machine from either.
    Result<void> set_system_call_target(std::uint64_t target)
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
    Result<void> lead_system_calls()
    {
        if (host_.system_call_ring() == VmHost::Ring::unknown)
            CELL_CHECK(try_system_call());
        layout_->set_system_call_target(image_->system_call_entry());
        return set_system_call_target(host_.system_call_ring() == VmHost::Ring::zero
                                          ? layout_->system_call_gate()
                                          : image_->system_call_entry());
    }

    // Runs one `syscall` of the stubs' own, and looks where it came out.
    Result<void> try_system_call()
    {
        kvm_regs &registers = run().s.regs.regs;
        registers = {};
        registers.rip = layout_->trial_stub();
        registers.rsp = image_->stack_top();
        registers.rflags = 2;
        run().kvm_dirty_regs = KVM_SYNC_X86_REGS;
        int failure;
        do
            failure = os::run_processor(processor_.get());
        while (failure == EINTR || failure == EAGAIN);
        run().kvm_dirty_regs = 0;
        if (failure || run().exit_reason != KVM_EXIT_IO || run().io.port != vm::kPortSystemCall)
            return error(Errc::not_available, "`syscall` does not arrive in a cell on this host");
        CELL_TRY(const kvm_sregs special, os::get_special_registers(processor_.get()));
        host_.set_system_call_ring(special.cs.dpl == 0 ? VmHost::Ring::zero : VmHost::Ring::three);
        return os::set_special_registers(processor_.get(), special_);
    }

    // What ring 3 can change, or a fault did. General registers are set by each call;
    // segments, control registers and what hangs on them go with the next entry, if
    // they have changed: loading them can cost more than a call.
    Result<void> reset_processor()
    {
        CELL_TRY(kvm_sregs now, os::get_special_registers(processor_.get()));
        now.cr2 = special_.cr2; // the last page fault's address, which ring 3 cannot read
        if (std::memcmp(&now, &special_, sizeof now) != 0) {
            run().s.regs.sregs = special_;
            special_is_due_ = true;
        }
        return os::reset_extended_state(processor_.get());
    }

    // Takes the code away from a running cell, or gives it back. Its next
    // instruction fetch fails, and KVM_RUN with it: no signal is needed, and none
    // of the program's is touched.
    bool set_executable(bool executable)
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

    // The kernel splits mappings for it, which fails at its limit of mappings: better now
    // than when a call has to be ended.
    Result<void> rehearse_kick()
    {
        const bool taken = set_executable(false);
        if (set_executable(true) && taken)
            return {};
        return error(Errc::no_memory, "the program has too many mappings for one more cell");
    }

    // The general registers of a function that is called with two arguments, for the next
    // entry.
    void set_registers(std::uint64_t function, std::uint64_t first, std::uint64_t second)
    {
        const std::uint64_t back = layout_->return_stub();
        std::memcpy(return_slot_, &back, sizeof back);
        kvm_regs &registers = run().s.regs.regs;
        registers = {};
        registers.rip = function;
        registers.rdi = first;
        registers.rsi = second;
        registers.rsp = image_->stack_top() - sizeof back;
        registers.rflags = 2;
        run().kvm_dirty_regs = KVM_SYNC_X86_REGS;
        if (std::exchange(special_is_due_, false))
            run().kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
    }

    // A hot call: the request goes into the mailbox, where the runtime of a running cell
    // looks for it.
    Exit call_hot(std::uint64_t function, std::uint64_t data, const Limits &limits)
    {
        if (const auto begun = watchdog_.begin(limits, runner_->clock()); !begun)
            return Killed{begun.error()};
        limited_ = true;
        spin_.begin();
        if (spin_.for_answer() && spin_.for_request())
            places_.avoid_caller(runner_->thread_id());
        else
            places_.join_caller(runner_->thread_id());
        sbm_mailbox &mailbox = image_->mailbox();
        set(mailbox.function, function);
        set(mailbox.data, data);
        set(mailbox.spin, spin_.for_request());
        store(mailbox.sequence, ++sequence_);
        if (runner_->has_stopped())
            start_serving();
        return await_hot();
    }

    void start_serving()
    {
        set_registers(image_->serve(), sequence_ - 1, 0);
        runner_->enter();
    }

    bool has_answered() const { return load(image_->mailbox().answered) == sequence_; }

    Exit await_hot()
    {
        sbm_mailbox &mailbox = image_->mailbox();
        for (;;) {
            if (spin_.await([this] { return has_answered() || runner_->has_stopped(); })) {
                if (has_answered())
                    return end_answered(read_once(mailbox.value));
                run().kvm_dirty_regs = 0;
                const int failure = runner_->failure();
                if (failure == 0 && is_idle() && !(limited_ && watchdog_.is_kicking())) {
                    runner_->enter(); // it has just not seen the request, or pretends so
                    continue;
                }
                return end_stopped(failure);
            }
            // An answer wakes nobody, an exit does.
            store(mailbox.host_waits, 1);
            if (!has_answered())
                runner_->await_stop(kLongestWait);
            store(mailbox.host_waits, 0);
        }
    }

    // A hot call that left nothing but its answer.
    Exit end_answered(std::int64_t value)
    {
        spin_.end();
        end_limits();
        return Returned{value};
    }

    // A hot call that left the machine. An Exit is large, and is not moved between here and
    // who reads it.
    Exit end_stopped(int failure)
    {
        Exit exit = failure ? failed(failure) : decode();
        if (failure == 0)
            finish_instruction();
        spin_.end();
        if (std::holds_alternative<HostCall>(exit) && limited_ && watchdog_.pause())
            return exit;
        if (const Limit limit = end_limits();
            limit != Limit::none && !std::holds_alternative<Returned>(exit))
            exit = TimedOut{limit, registers()};
        return exit;
    }

    // Which limit of a hot call is used up.
    Limit end_limits()
    {
        if (!std::exchange(limited_, false))
            return Limit::none;
        const Limit limit = watchdog_.end();
        if (limit == Limit::none)
            return limit;
        // A kick takes the code away, also from a cell that has just answered.
        while (!runner_->has_stopped())
            runner_->await_stop(UINT64_MAX);
        set_executable(true);
        return limit;
    }

    // Did the runtime leave because there was no request?
    bool is_idle() const
    {
        return run().exit_reason == KVM_EXIT_IO && run().io.direction == KVM_EXIT_IO_OUT &&
               run().io.port == vm::kPortLeave && run().s.regs.regs.rdi == SBM_EXIT_IDLE;
    }

    // Takes a serving cell out of its loop: by asking, and if it does not listen by taking
    // its code away.
    void stop_serving()
    {
        if (!runner_ || runner_->has_stopped())
            return;
        constexpr std::uint64_t kTimeToListen = 200'000;
        image_->mailbox().spin = 0;
        runner_->await_stop(kTimeToListen);
        if (!runner_->has_stopped()) {
            set_executable(false);
            while (!runner_->has_stopped())
                runner_->await_stop(UINT64_MAX);
            set_executable(true);
        }
        run().kvm_dirty_regs = 0;
        if (runner_->failure() == 0)
            finish_instruction();
    }

    Exit enter()
    {
        for (;;) {
            const int failure = os::run_processor(processor_.get());
            run().kvm_dirty_regs = 0;
            if ((failure == EINTR || failure == EAGAIN) && !(limited_ && watchdog_.is_kicking()))
                continue; // a signal of the program; its handler has run
            return end(failure);
        }
    }

    Exit end(int failure)
    {
        Exit exit = failure ? failed(failure) : decode();
        if (!failure)
            finish_instruction();
        if (!limited_ || (std::holds_alternative<HostCall>(exit) && watchdog_.pause()))
            return exit;
        limited_ = false;
        const Limit limit = watchdog_.end();
        if (limit != Limit::none)
            set_executable(true);
        if (limit != Limit::none && !std::holds_alternative<Returned>(exit))
            exit = TimedOut{limit, registers()};
        return exit;
    }

    // KVM finishes an instruction that left by a port or by memory when it is entered
    // again, and may then write the registers as they were: into the next call. For
    // the stubs' own instruction it does not, which saves a run for every call.
    void finish_instruction()
    {
        const bool may_be_pending =
            run().exit_reason == KVM_EXIT_IO || run().exit_reason == KVM_EXIT_MMIO;
        if (!may_be_pending ||
            (run().exit_reason == KVM_EXIT_IO && run().io.direction == KVM_EXIT_IO_OUT &&
             layout_->is_own_code(run().s.regs.regs.rip)))
            return;
        run().immediate_exit = 1;
        os::run_processor(processor_.get()); // EINTR, as it was asked to
        run().immediate_exit = 0;
    }

    static Exit failed(int failure)
    {
        return Killed{os_error(failure, "the host could not run the cell")};
    }

    Exit decode()
    {
        switch (run().exit_reason) {
        case KVM_EXIT_IO:
            return decode_port(run().io.port);
        case KVM_EXIT_SHUTDOWN:
            return Faulted{8, 0, 0, registers()};
        case KVM_EXIT_MMIO:
            return Faulted{14, run().mmio.is_write ? 2U : 0U, run().mmio.phys_addr, registers()};
        default:
            return Killed{
                error(Errc::fault, "the virtual machine stopped for reason %u", run().exit_reason)};
        }
    }

    Exit decode_port(std::uint16_t port)
    {
        const kvm_regs &at = run().s.regs.regs;
        if (run().io.direction == KVM_EXIT_IO_IN)
            return Faulted{13, 0, 0, registers()}; // the open ports are for writing
        if (port == vm::kPortReturn)
            return Returned{static_cast<std::int64_t>(at.rax)};
        if (port == vm::kPortLeave)
            return decode_leave(at.rdi);
        if (port == vm::kPortSystemCall) {
            if (image_->is_module()) // its `syscall` leads elsewhere: it jumped to the stub
                return Faulted{13, 0, 0, registers()};
            Registers state = registers();
            state.values[Registers::kInstruction] = at.rcx - 2; // where `syscall` stood
            return SystemCall{at.rax, state};
        }
        return decode_exception(static_cast<std::uint32_t>(port - vm::kPortException));
    }

    Exit decode_leave(std::uint64_t exit)
    {
        const sbm_mailbox &mailbox = image_->mailbox();
        if (exit == SBM_EXIT_HOST_CALL)
            return HostCall{mailbox.call_proxy, mailbox.call_arguments};
        return Aborted{caller_of_stub()};
    }

    // The leave stub has no frame: what called it is on top of the stack. Only memory
    // that the cell can write is looked at, since code may be taken away right now.
    Registers caller_of_stub() const
    {
        Registers state = registers();
        const std::byte *top =
            image_->host(state.stack(), sizeof(std::uint64_t), PROT_READ | PROT_WRITE);
        if (top) {
            std::memcpy(&state.values[Registers::kInstruction], top, sizeof(std::uint64_t));
            state.values[Registers::kStack] += sizeof(std::uint64_t);
        }
        return state;
    }

    Exit decode_exception(std::uint32_t vector)
    {
        const vm::ExceptionFrame frame = layout_->frame(vector, run().s.regs.regs.rsp);
        Registers state = registers();
        state.values[Registers::kInstruction] = frame.instruction;
        state.values[Registers::kStack] = frame.stack;
        std::uint64_t address = 0;
        if (vector == 14)
            if (const auto special = os::get_special_registers(processor_.get()))
                address = special->cr2;
        return Faulted{vector, frame.code, address, state};
    }

    Registers registers() const
    {
        const kvm_regs &at = run().s.regs.regs;
        return {{at.r8, at.r9, at.r10, at.r11, at.r12, at.r13, at.r14, at.r15, at.rdi, at.rsi,
                 at.rbp, at.rbx, at.rdx, at.rax, at.rcx, at.rsp, at.rip}};
    }

    VmHost &host_;
    const image::CellImage *image_ = nullptr;
    // The machine goes before its memory, the processor before the machine.
    os::Mapping system_;
    os::Descriptor machine_, processor_;
    os::Mapping run_page_;
    std::optional<vm::PageTables> tables_;
    std::optional<vm::SystemMemory> layout_;
    std::vector<Memory> memory_, lent_;
    std::vector<Slot> free_slots_; // taken back; each keeps its place in the machine
    std::vector<image::Region> executable_;
    std::byte *return_slot_ = nullptr; // the top of the stack, where a call returns to
    kvm_sregs special_{};
    bool special_is_due_ = false; // they are in the run page, to be loaded on entry
    std::uint32_t next_slot_ = kFirstFreeSlot;
    std::uint64_t next_physical_ = kFirstPhysical;
    bool limited_ = false; // a call is on that the watchdog knows
    Watchdog watchdog_;
    // Hot calls.
    Spin spin_;
    os::Places places_;
    std::uint32_t sequence_ = 0;
    std::unique_ptr<vm::Runner> runner_; // after it has stopped, before all that it runs
};

Result<std::unique_ptr<Backend>> VmHost::open()
{
    auto backend = std::make_unique<VmBackend>(*this);
    CELL_CHECK(backend->open());
    return std::unique_ptr<Backend>(std::move(backend));
}

} // namespace

Result<std::shared_ptr<Host>> find_vm()
{
    auto host = std::make_shared<VmHost>();
    CELL_CHECK(host->find());
    return std::shared_ptr<Host>(std::move(host));
}

} // namespace cell::backend
