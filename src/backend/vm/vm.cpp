// SPDX-License-Identifier: Apache-2.0
//
// Level `vm`: the cell is a virtual machine without an operating system, whose
// processor starts in ring 3. It leaves by writing to an allowed port; faults come
// through gates that do nothing but leave.
#include "backend/backend.hpp"

#include "backend/mailbox.hpp"
#include "backend/spin.hpp"
#include "backend/vm/machine.hpp"
#include "backend/vm/runner.hpp"
#include "backend/watchdog.hpp"
#include "os/kvm.hpp"
#include "os/places.hpp"

#include <atomic>
#include <cerrno>

namespace cell::backend {
namespace {

constexpr std::uint64_t kLongestWait = 100'000'000; // for an exit, before looking again

// KVM on this machine. Asking it what a processor can do takes longer than making one.
class VmHost final : public Host {
public:
    Result<void> find()
    {
        CELL_TRY(kvm_, os::Kvm::open());
        CELL_TRY(cpuid_, kvm_.supported_cpuid());
        vm::hide_virtualisation(cpuid_);
        return {};
    }

    Result<std::unique_ptr<Backend>> open() override;

    const os::Kvm &kvm() const { return kvm_; }
    const os::KvmCpuid &cpuid() const { return cpuid_; }

    // Does `syscall` reach ring 0 here? Unknown until somebody has tried.
    vm::Ring system_call_ring() const { return ring_; }
    void set_system_call_ring(vm::Ring ring) { ring_ = ring; }

private:
    os::Kvm kvm_;
    os::KvmCpuid cpuid_;
    std::atomic<vm::Ring> ring_{vm::Ring::unknown};
};

class VmBackend final : public Backend {
public:
    ~VmBackend() override { stop_serving(); }

    explicit VmBackend(VmHost &host)
        : host_(host), watchdog_([this] { machine_.set_executable(false); })
    {
    }

    Result<void> open()
    {
        CELL_CHECK(machine_.create(host_.kvm()));
        return machine_.describe(host_.cpuid());
    }

    Result<void> start(const image::CellImage &image) override
    {
        image_ = &image;
        CELL_CHECK(machine_.start(image.parts(), host_.system_call_ring()));
        CELL_CHECK(machine_.rehearse_kick());
        host_.set_system_call_ring(machine_.ring());
        return {};
    }

    Result<void> add_memory(const image::Region &memory) override
    {
        return machine_.add_memory(memory);
    }

    Result<void> lend(const image::Region &memory) override
    {
        stop_serving();
        return machine_.lend(memory);
    }

    Result<void> take_back(std::uint64_t address) override
    {
        stop_serving();
        return machine_.take_back(address);
    }

    Result<void> settle() override
    {
        stop_serving();
        return {};
    }

    Result<void> protect(std::uint64_t address, std::uint64_t size, int protection) override
    {
        if (image_)
            machine_.set_thread_pointer(image_->thread_pointer());
        return machine_.protect(address, size, protection);
    }

    Exit call(std::uint64_t function, std::uint64_t data, const Limits &limits) override
    {
        if (runner_)
            return call_hot(function, data, limits);
        if (const auto begun = watchdog_.begin(limits); !begun)
            return Killed{begun.error()};
        limited_ = true;
        machine_.set_registers(image_->entry(), function, data);
        return enter();
    }

    Exit resume(std::int64_t result) override
    {
        image_->mailbox().call_result = result;
        if (const Limit limit = limited_ ? watchdog_.resume() : Limit::none; limit != Limit::none) {
            limited_ = false;
            watchdog_.end();
            return TimedOut{limit, machine_.registers()};
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
            CELL_TRY(runner_, vm::Runner::start(machine_.processor()));
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
            machine_.set_executable(true); // a call that stopped at a refused host call
    }

    Result<void> restart() override
    {
        watchdog_.forget_cancellation();
        machine_.announce_exit();
        return machine_.reset_processor();
    }

private:
    kvm_run &run() const { return machine_.run_page(); }

    // A hot call: the request goes into the mailbox, where the runtime of a running cell
    // looks for it.
    Exit call_hot(std::uint64_t function, std::uint64_t data, const Limits &limits)
    {
        if (const auto begun = watchdog_.begin(limits, runner_->clock()); !begun)
            return Killed{begun.error()};
        limited_ = true;
        spin_.begin();
        spin_.look(spin_.pays() && places_.avoid_caller(runner_->thread_id()));
        if (!spin_.looks())
            places_.join_caller(runner_->thread_id());
        sbm_mailbox &mailbox = image_->mailbox();
        set(mailbox.function, function);
        set(mailbox.data, data);
        set(mailbox.spin, spin_.now());
        // Looked at before there is a request: a cell that runs may do it and stop again before
        // this thread goes on, and would do it twice.
        const bool was_stopped = runner_->has_stopped();
        store(mailbox.sequence, ++sequence_);
        if (was_stopped)
            start_serving();
        return await_hot();
    }

    void start_serving()
    {
        machine_.set_registers(image_->serve(), sequence_ - 1, 0);
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
                if (failure == 0 && machine_.is_idle() && !(limited_ && watchdog_.is_kicking())) {
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
        Exit exit = failure ? failed(failure) : machine_.decode();
        if (failure == 0)
            machine_.finish_instruction();
        spin_.end();
        if (std::holds_alternative<HostCall>(exit) && limited_ && watchdog_.pause())
            return exit;
        if (const Limit limit = end_limits();
            limit != Limit::none && !std::holds_alternative<Returned>(exit))
            exit = TimedOut{limit, machine_.registers()};
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
        machine_.set_executable(true);
        return limit;
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
            machine_.set_executable(false);
            while (!runner_->has_stopped())
                runner_->await_stop(UINT64_MAX);
            machine_.set_executable(true);
        }
        run().kvm_dirty_regs = 0;
        if (runner_->failure() == 0)
            machine_.finish_instruction();
    }

    Exit enter()
    {
        for (;;) {
            const int failure = machine_.run();
            run().kvm_dirty_regs = 0;
            if ((failure == EINTR || failure == EAGAIN) && !(limited_ && watchdog_.is_kicking()))
                continue; // a signal of the program; its handler has run
            return end(failure);
        }
    }

    Exit end(int failure)
    {
        Exit exit = failure ? failed(failure) : machine_.decode();
        if (!failure)
            machine_.finish_instruction();
        if (!limited_ || (std::holds_alternative<HostCall>(exit) && watchdog_.pause()))
            return exit;
        limited_ = false;
        const Limit limit = watchdog_.end();
        if (limit != Limit::none)
            machine_.set_executable(true);
        if (limit != Limit::none && !std::holds_alternative<Returned>(exit))
            exit = TimedOut{limit, machine_.registers()};
        return exit;
    }

    static Exit failed(int failure)
    {
        return Killed{os_error(failure, "the host could not run the cell")};
    }

    VmHost &host_;
    const image::CellImage *image_ = nullptr;
    vm::Machine machine_;
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
