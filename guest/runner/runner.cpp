// SPDX-License-Identifier: Apache-2.0
//
// A runner: makes the virtual machine of one cell, and then runs its processor, request by
// request. What the cell does cannot reach this program, unless KVM has a hole; then the
// attacker is in a process that holds a virtual processor and can make a few system calls.
#include "runner.hpp"

#include "confine.hpp"

#include "backend/mailbox.hpp"
#include "backend/vm/machine.hpp"
#include "base/checked.hpp"
#include "os/futex.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace cell::runner {
namespace {

using backend::load;
using backend::store;

kvm_run *interrupted_page; // for the handler

// The processor comes to a stop, also if it is only about to run.
void on_stop(int)
{
    interrupted_page->immediate_exit = 1;
}

void catch_stop()
{
    struct sigaction action = {};
    action.sa_handler = on_stop;
    ::sigaction(SIGALRM, &action, nullptr);
    sigset_t none; // the program started the zygote with all signals blocked
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

class Runner {
public:
    Runner(sbm_runner &control, backend::vm::Machine &machine,
           std::span<const sbm_zygote_segment> segments, std::span<const int> files)
        : control_(control), machine_(machine), segments_(segments), files_(files)
    {
    }

    // Everything that needs more than the filter allows.
    Result<void> prepare()
    {
        if (segments_.size() < SBM_RUNNER_REGIONS)
            return error(Errc::misuse, "the runner was not told what to run");
        CELL_CHECK(map_window());
        sort_regions();
        CELL_CHECK(map_constants());
        CELL_CHECK(describe_processor());
        CELL_CHECK(machine_.start(parts(), backend::vm::Ring::unknown));
        enter_once();
        for (const image::Region &memory : buffers_)
            CELL_CHECK(machine_.add_memory(memory));
        for (const image::Region &memory : lent_)
            CELL_CHECK(machine_.lend(memory));
        interrupted_page = &machine_.run_page();
        catch_stop();
        return machine_.keep_processor_only(SBM_RUNNER_PROCESSOR);
    }

    [[noreturn]] void refuse(const Error &reason)
    {
        control_.value = static_cast<std::uint64_t>(reason.code());
        tell(reason);
        await_request();
        answer(SBM_RUNNER_REFUSED);
        ::_exit(0);
    }

    [[noreturn]] void serve()
    {
        await_request();
        answer(SBM_RUNNER_READY);
        for (;;) {
            await_request();
            answer(obey());
        }
    }

private:
    int file(std::size_t segment) const
    {
        const std::uint32_t number = segments_[segment].file;
        return number < files_.size() ? files_[number] : -1;
    }

    // KVM takes long to say what it supports: the host has asked it.
    Result<void> describe_processor()
    {
        os::KvmCpuid cpuid;
        cpuid.count = std::min(control_.cpuid_count, std::uint32_t{SBM_RUNNER_CPUIDS});
        std::copy_n(control_.cpuid, cpuid.count, cpuid.entries.begin());
        return machine_.describe(cpuid);
    }

    // Who enters the machine first may need more of the kernel than all later ones: a thread.
    void enter_once()
    {
        machine_.run_page().immediate_exit = 1;
        machine_.run();
        machine_.run_page().immediate_exit = 0;
    }

    Result<os::Mapping> map_shared(std::size_t segment)
    {
        const sbm_zygote_segment &at = segments_[segment];
        CELL_TRY(os::Mapping mapping, os::reserve(at.size, kLargePage));
        CELL_CHECK(os::map_over(mapping.data(), at.size, PROT_READ | PROT_WRITE, file(segment),
                                at.offset, MAP_SHARED | MAP_NORESERVE));
        return mapping;
    }

    Result<void> map_window()
    {
        CELL_TRY(window_, map_shared(SBM_RUNNER_WINDOW));
        if (!contains(0, window_.size(), control_.mailbox, sizeof(sbm_mailbox)))
            return error(Errc::misuse, "the window has no mailbox");
        for (std::size_t i = SBM_RUNNER_REGIONS; i < segments_.size(); i++) {
            const sbm_zygote_segment &at = segments_[i];
            if (!is_buffer(at) && !(is_lent(at) && (at.protection & PROT_WRITE)))
                continue;
            CELL_TRY(os::Mapping mapping, map_shared(i));
            (is_buffer(at) ? buffers_ : lent_).push_back(region(i, true, mapping.data()));
            mappings_.push_back(std::move(mapping));
        }
        return {};
    }

    bool is_in_window(const sbm_zygote_segment &at) const
    {
        return at.file == segments_[SBM_RUNNER_WINDOW].file;
    }
    bool is_buffer(const sbm_zygote_segment &at) const
    {
        return !is_in_window(at) && at.may_change;
    }
    bool is_lent(const sbm_zygote_segment &at) const
    {
        return !is_in_window(at) && at.flags == MAP_SHARED;
    }

    image::Region region(std::size_t segment, bool shared, std::byte *host) const
    {
        const sbm_zygote_segment &at = segments_[segment];
        return {at.address,    at.size,           static_cast<int>(at.protection),
                file(segment), at.offset,         shared,
                host,          at.may_change != 0};
    }

    void sort_regions()
    {
        for (std::size_t i = SBM_RUNNER_REGIONS; i < segments_.size(); i++) {
            const sbm_zygote_segment &at = segments_[i];
            if (is_buffer(at) || is_lent(at))
                continue;
            const bool shared = is_in_window(at);
            regions_.push_back(region(i, shared, shared ? window_.data() + at.offset : nullptr));
        }
    }

    Result<void> map_constants()
    {
        CELL_TRY(constants_, image::map_constants(regions_));
        image::place_constants(regions_, constants_);
        return {};
    }

    image::CellParts parts() const
    {
        return {.regions = regions_,
                .blocks = {{{window_.data(), window_.size(), true},
                            {constants_.data(), constants_.size(), false}}},
                .mailbox = reinterpret_cast<sbm_mailbox *>(window_.data() + control_.mailbox),
                .entry = control_.entry,
                .serve = 0,
                .stack_top = control_.stack_top,
                .thread_pointer = control_.thread_pointer,
                .system_window = control_.system_window,
                .system_call_entry = control_.system_call_entry};
    }

    void await_request()
    {
        if (load(control_.sequence) == answered_) {
            do {
                store(control_.runner_waits, 1);
                os::futex_wait(&control_.sequence, answered_, UINT64_MAX);
            } while (load(control_.sequence) == answered_);
            control_.runner_waits = 0;
        }
        answered_ = load(control_.sequence);
    }

    // Each side says that it sleeps before it looks a last time, so that the other one need
    // not ask the kernel to wake nobody.
    void answer(sbm_runner_exit exit)
    {
        backend::set(control_.exit, static_cast<std::uint32_t>(exit));
        store(control_.answered, answered_);
        if (load(control_.host_waits))
            os::futex_wake(&control_.answered);
    }

    sbm_runner_exit obey()
    {
        const std::uint32_t count = std::min<std::uint32_t>(control_.order_count, SBM_MAP_ORDERS);
        machine_.set_thread_pointer(control_.thread_pointer);
        for (const sbm_map_order &order : std::span(control_.orders, count))
            if (const auto done =
                    machine_.protect(order.address, order.size, static_cast<int>(order.protection));
                !done)
                return tell(done.error());
        if (control_.request == SBM_REQUEST_MAP)
            return SBM_RUNNER_OBEYED;
        if (control_.request == SBM_REQUEST_CALL)
            machine_.set_registers(control_.entry, control_.function, control_.data);
        return enter();
    }

    sbm_runner_exit enter()
    {
        for (;;) {
            // A signal that comes before this is seen by the word, one after it by the flag.
            *static_cast<volatile std::uint8_t *>(&machine_.run_page().immediate_exit) = 0;
            std::atomic_signal_fence(std::memory_order_seq_cst);
            if (load(control_.stop))
                return tell(machine_.registers(), SBM_RUNNER_STOPPED);
            const int failure = machine_.run();
            machine_.run_page().kvm_dirty_regs = 0;
            if (failure == EINTR || failure == EAGAIN)
                continue;
            if (failure != 0)
                return tell(os_error(failure, "the host could not run the cell"));
            const backend::Exit exit = machine_.decode();
            machine_.finish_instruction();
            return std::visit([this](const auto &what) { return tell(what); }, exit);
        }
    }

    sbm_runner_exit tell(const backend::Registers &registers, sbm_runner_exit exit)
    {
        std::memcpy(control_.registers, registers.values.data(), sizeof control_.registers);
        return exit;
    }
    sbm_runner_exit tell(const backend::Returned &returned)
    {
        backend::set(control_.value, static_cast<std::uint64_t>(returned.value));
        return SBM_RUNNER_RETURNED;
    }
    sbm_runner_exit tell(const backend::HostCall &) { return SBM_RUNNER_HOST_CALL; }
    sbm_runner_exit tell(const backend::Aborted &aborted)
    {
        return tell(aborted.registers, SBM_RUNNER_ABORTED);
    }
    sbm_runner_exit tell(const backend::Faulted &fault)
    {
        control_.vector = fault.vector;
        control_.value = fault.code;
        control_.address = fault.address;
        return tell(fault.registers, SBM_RUNNER_FAULTED);
    }
    sbm_runner_exit tell(const backend::SystemCall &call)
    {
        control_.value = call.number;
        return tell(call.registers, SBM_RUNNER_SYSTEM_CALL);
    }
    sbm_runner_exit tell(const backend::TimedOut &stopped)
    {
        return tell(stopped.registers, SBM_RUNNER_STOPPED);
    }
    sbm_runner_exit tell(const backend::Killed &killed) { return tell(killed.reason); }
    sbm_runner_exit tell(const Error &reason)
    {
        const std::size_t size = std::min(std::strlen(reason.text()), sizeof control_.text - 1);
        std::memcpy(control_.text, reason.text(), size);
        control_.text[size] = '\0';
        return SBM_RUNNER_FAILED;
    }

    sbm_runner &control_;
    backend::vm::Machine &machine_;
    const std::span<const sbm_zygote_segment> segments_;
    const std::span<const int> files_;
    os::Mapping window_, constants_;
    std::vector<os::Mapping> mappings_; // of buffers and what is lent
    std::vector<image::Region> regions_, buffers_, lent_;
    std::uint32_t answered_ = 0; // the last sequence number that was seen
};

// Where the filter knows it; nullptr if it cannot be had.
sbm_runner *map_control(std::span<const sbm_zygote_segment> segments, std::span<const int> files)
{
    if (segments.empty() || segments[SBM_RUNNER_CONTROL].file >= files.size())
        return nullptr;
    void *const address = reinterpret_cast<void *>(SBM_RUNNER_ADDRESS);
    void *raw = ::mmap(address, round_up(sizeof(sbm_runner), kPage), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_FIXED_NOREPLACE, files[segments[SBM_RUNNER_CONTROL].file],
                       static_cast<off_t>(segments[SBM_RUNNER_CONTROL].offset));
    return raw == address ? static_cast<sbm_runner *>(raw) : nullptr;
}

} // namespace

Result<void> make_machine(int device, backend::vm::Machine &machine)
{
    CELL_TRY(const os::Kvm kvm, os::Kvm::adopt(os::Descriptor(device)));
    return machine.create(kvm);
}

void run(backend::vm::Machine &machine, std::span<const sbm_zygote_segment> segments,
         std::span<const int> files)
{
    sbm_runner *const control = map_control(segments, files);
    if (!control)
        ::_exit(1);
    const std::uint32_t left_out = control->left_out;
    static Runner runner(*control, machine, segments, files); // never destroyed
    if (const auto prepared = runner.prepare(); !prepared)
        runner.refuse(prepared.error());
    confine(SBM_RUNNER_PROCESSOR, left_out);
    runner.serve();
}

} // namespace cell::runner
