// SPDX-License-Identifier: Apache-2.0
//
// Level `vm` with two walls: the virtual machine belongs to a process of its own, the runner
// (guest/runner), which can do nothing but run it. The host hands calls over by two futexes,
// and shares with the runner the memory of the cell and one page of words. It believes no
// word of the runner's: after anything but a return or a host call the runner is killed.
#include "abi/runner.h"
#include "backend/backend.hpp"
#include "backend/call_meter.hpp"
#include "backend/mailbox.hpp"
#include "backend/process/zygote.hpp"
#include "backend/spin.hpp"
#include "backend/vm/machine.hpp"
#include "base/checked.hpp"
#include "os/futex.hpp"
#include "os/kvm.hpp"
#include "os/places.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <optional>
#include <sys/mman.h>
#include <vector>

extern "C" {
// The bytes of the runners' zygote, built from guest/runner.
extern const unsigned char sbm_runner_begin[] __attribute__((visibility("hidden")));
extern const unsigned char sbm_runner_end[] __attribute__((visibility("hidden")));
}

namespace cell::backend {
namespace {

// How long an interrupted runner has to tell where the cell was.
constexpr std::uint64_t kInterruptTime = 200'000'000;
// And one that has its orders, to fill its machine.
constexpr std::uint64_t kStartTime = 30'000'000'000;

class RunnerHost final : public Host {
public:
    explicit RunnerHost(std::uint32_t left_out) : left_out_(left_out) {}

    Result<void> find()
    {
        CELL_TRY(kvm_, os::Kvm::open());
        CELL_CHECK(zygote_.start({sbm_runner_begin, sbm_runner_end}));
        CELL_CHECK(zygote_.prepare(kvm_.device()));
        CELL_TRY(cpuid_, kvm_.supported_cpuid()); // while the first runner makes its machine
        vm::hide_virtualisation(cpuid_);
        return {};
    }

    Result<std::unique_ptr<Backend>> open() override;
    Result<void> confirm() override { return zygote_.confirm(); }

    process::Zygote &zygote() { return zygote_; }
    std::uint32_t left_out() const { return left_out_; }
    std::span<const kvm_cpuid_entry2> cpuid() const
    {
        return std::span(cpuid_.entries).first(cpuid_.count);
    }

private:
    const std::uint32_t left_out_;
    os::Kvm kvm_;
    os::KvmCpuid cpuid_;
    process::Zygote zygote_;
};

class RunnerBackend final : public Backend {
public:
    explicit RunnerBackend(RunnerHost &host) : host_(host) {}
    ~RunnerBackend() override { kill_runner(); }

    Result<void> open()
    {
        const std::size_t size = round_up(sizeof(sbm_runner), kPage);
        CELL_TRY(control_file_, os::memory_file("sbm-runner", size));
        CELL_TRY(control_page_,
                 os::map_file(control_file_.get(), 0, size, PROT_READ | PROT_WRITE, MAP_SHARED));
        return {};
    }

    void abandon() override { runner_.reset(); }

    int process_id() const override { return pid_; }

    void cancel() noexcept override
    {
        cancelled_.store(true);
        os::futex_wake(&control().answered); // the caller sleeps there
    }

    // Only for what the cell asks: a call begins and ends in the runner.
    Result<void> set_spin(std::uint64_t bound) override
    {
        spin_ = Spin();
        places_.forget();
        if (bound == 0)
            return {};
        CELL_TRY(places_, os::Places::of_caller());
        spin_ = Spin(bound, os::TickMeter().rate());
        return {};
    }

    Result<void> start(const image::CellImage &image) override
    {
        image_ = &image;
        return fork_runner();
    }

    // A runner is given memory when it is forked, and only its end takes it away: it has no
    // way to ask for more.
    Result<void> add_memory(const image::Region &memory) override
    {
        memory_.push_back(memory);
        is_outdated_ = is_outdated_ || runner_;
        return {};
    }
    Result<void> lend(const image::Region &memory) override
    {
        lent_.push_back(memory);
        is_outdated_ = true;
        return {};
    }
    Result<void> take_back(std::uint64_t address) override
    {
        std::erase_if(lent_, [&](const auto &memory) { return memory.address == address; });
        is_outdated_ = true;
        return {};
    }

    Result<void> protect(std::uint64_t address, std::uint64_t size, int protection) override
    {
        orders_.push_back({address, size, static_cast<std::uint64_t>(protection)});
        if (image_)
            control().thread_pointer = image_->thread_pointer();
        return {};
    }

    // A runner that lies could go on to run the cell.
    Result<void> settle() override
    {
        halt();
        is_outdated_ = true;
        return {};
    }
    void halt() override { kill_runner(); }

    Result<void> restart() override
    {
        cancelled_.store(false);
        return fork_runner();
    }

    Exit call(std::uint64_t function, std::uint64_t data, const Limits &limits) override
    {
        if (std::exchange(is_outdated_, false)) {
            kill_runner();
            if (const auto replaced = fork_runner(); !replaced)
                return Killed{replaced.error()};
        }
        if (!runner_)
            return Killed{error(Errc::fault, "the cell was not started again")};
        meter_.begin(limits, pid_);
        told_ = read_once(image_->mailbox().asked);
        begin_turn();
        while (orders_.size() - orders_sent_ > SBM_MAP_ORDERS) {
            send(SBM_REQUEST_MAP, 0, 0);
            if (Exit exit = await_exit(); !std::holds_alternative<Returned>(exit))
                return exit;
        }
        send(SBM_REQUEST_CALL, function, data);
        return go_on();
    }

    Exit resume(std::int64_t result) override
    {
        if (!runner_)
            return Killed{error(Errc::fault, "the cell was not started again")};
        image_->mailbox().call_result = result;
        // A call that is always about to ask the host never waits for long.
        std::uint64_t unused = 0;
        if (cancelled_.load(std::memory_order_relaxed) || meter_.may_be_over())
            if (const Limit limit = check_limits(unused); limit != Limit::none) {
                cancelled_.store(false, std::memory_order_relaxed);
                return end(TimedOut{limit, {}});
            }
        begin_turn(); // all that an app asks for is one call
        if (asks_within_ && orders_.size() != orders_sent_)
            if (auto other = make_leave())
                return std::move(*other);
        told_ = asked_;
        store(image_->mailbox().told, told_);
        was_told_within_ = std::exchange(asks_within_, false);
        if (!was_told_within_)
            send(SBM_REQUEST_RESUME, 0, 0);
        return go_on();
    }

private:
    sbm_runner &control() const { return *reinterpret_cast<sbm_runner *>(control_page_.data()); }

    // The cell is about to run: where, and how long each side will look for the other one.
    void begin_turn()
    {
        if (spin_.bound())
            spin_.begin();
        spin_.look(spin_.pays() && leave_caller());
        if (!spin_.looks())
            follow_caller();
        set(image_->mailbox().spin, spin_.now());
        set(image_->mailbox().host_looks, spin_.looks() ? 1U : 0U);
    }

    // A cancellation is for the call that ends.
    Exit go_on()
    {
        Exit exit = await_exit();
        if (!std::holds_alternative<HostCall>(exit))
            cancelled_.store(false, std::memory_order_relaxed);
        return exit;
    }

    Result<void> fork_runner()
    {
        fill_control();
        const image::CellParts parts = image_->parts();
        const image::Block &window = parts.blocks[0];
        const int window_file = file_of(parts, window);
        std::vector<image::Region> shown = {
            {0, control_page_.size(), PROT_READ | PROT_WRITE, control_file_.get(), 0, true, {}},
            {0, window.size, PROT_READ | PROT_WRITE, window_file, 0, true, window.host}};
        static_assert(SBM_RUNNER_REGIONS == 2);
        shown.insert(shown.end(), parts.regions.begin(), parts.regions.end());
        shown.insert(shown.end(), lent_.begin(), lent_.end());
        CELL_TRY(process::Zygote::Forked forked,
                 host_.zygote().fork(shown, memory_, process::Walls::all));
        runner_ = std::move(forked.pidfd);
        pid_ = forked.pid;
        places_.forget();
        asks_within_ = was_told_within_ = false;
        orders_sent_ = 0;
        is_outdated_ = false;
        if (const auto begun = await_start(); !begun) {
            kill_runner();
            return begun.error();
        }
        return {};
    }

    static int file_of(const image::CellParts &parts, const image::Block &block)
    {
        for (const image::Region &region : parts.regions)
            if (block.has(region))
                return region.file;
        return -1;
    }

    // All that it looks at: an earlier runner could write there.
    void fill_control()
    {
        const image::CellParts parts = image_->parts();
        auto &fresh = control();
        std::memset(control_page_.data(), 0, offsetof(sbm_runner, cpuid));
        sequence_ = 0;
        fresh.left_out = host_.left_out();
        fresh.mailbox = static_cast<std::uint64_t>(
            reinterpret_cast<const std::byte *>(parts.mailbox) - parts.blocks[0].host);
        fresh.entry = parts.entry;
        fresh.stack_top = parts.stack_top;
        fresh.thread_pointer = parts.thread_pointer;
        fresh.system_window = parts.system_window;
        fresh.system_call_entry = parts.system_call_entry;
        static_assert(os::kCpuidEntries == SBM_RUNNER_CPUIDS); // the runner takes as many
        fresh.cpuid_count = static_cast<std::uint32_t>(host_.cpuid().size());
        std::copy(host_.cpuid().begin(), host_.cpuid().end(), fresh.cpuid);
    }

    Result<void> await_start()
    {
        const std::uint64_t began = os::monotonic_ns();
        notify(0);
        for (;;) {
            // One that refuses says why, and ends: looked at in this order.
            const bool ended = os::has_ended(runner_.get());
            if (answered())
                break;
            if (ended)
                return error(Errc::not_available, "the cell's process does not start");
            if (os::monotonic_ns() - began > kStartTime)
                return error(Errc::not_available, "the cell's process is not ready");
            wait_for_answer(CallMeter::kSlice);
        }
        switch (read_once(control().exit)) {
        case SBM_RUNNER_READY:
            return {};
        case SBM_RUNNER_REFUSED:
            return error(read_once(control().value) == static_cast<std::uint64_t>(Errc::no_memory)
                             ? Errc::no_memory
                             : Errc::not_available,
                         "%s", text().c_str());
        default:
            return nonsense();
        }
    }

    static Error nonsense() { return error(Errc::fault, "the cell's process answered nonsense"); }

    // What the runner says in words, fit for a message.
    std::string text() const
    {
        char copy[SBM_RUNNER_TEXT_BYTES];
        std::memcpy(copy, control().text, sizeof copy);
        copy[sizeof copy - 1] = '\0';
        std::string words(copy);
        std::replace_if(
            words.begin(), words.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
        return words;
    }

    // Afterwards `signal_` is what ended it, if that was a signal.
    void kill_runner()
    {
        if (runner_) {
            // Who may not end the runner ends the zygote, by which the kernel ends it.
            if (!os::kill(runner_.get()))
                host_.zygote().give_up();
            os::await_end(runner_.get());
            const auto status = host_.zygote().reap(pid_);
            signal_ = status && *status < 0 ? -*status : 0;
        }
        runner_.reset();
        pid_ = 0;
    }

    bool answered() const { return load(control().answered) == sequence_; }

    void wait_for_answer(std::uint64_t timeout)
    {
        sbm_runner &shared = control();
        store(shared.host_waits, 1);
        const std::uint32_t seen = load(shared.answered);
        if (seen != sequence_)
            os::futex_wait(&shared.answered, seen, timeout);
        shared.host_waits = 0;
    }

    // The id of a process that has ended may be another's.
    bool is_there() const { return !os::has_ended(runner_.get()); }

    // Waking a sleeping processor costs ten times more than a switch on this one.
    void follow_caller()
    {
        if (!places_.is_joined() && is_there())
            places_.join_caller(pid_);
    }

    // Are the two on different processors now?
    bool leave_caller() { return places_.is_apart() || (is_there() && places_.avoid_caller(pid_)); }

    // A call that takes long may run wherever the kernel finds room.
    void let_go()
    {
        if (places_.is_put() && is_there())
            places_.let_go(pid_);
    }

    void send(std::uint32_t request, std::uint64_t function, std::uint64_t data)
    {
        sbm_runner &shared = control();
        set(shared.function, function);
        set(shared.data, data);
        const std::size_t count =
            std::min<std::size_t>(orders_.size() - orders_sent_, SBM_MAP_ORDERS);
        if (count)
            std::memcpy(shared.orders, orders_.data() + orders_sent_, count * sizeof orders_[0]);
        set(shared.order_count, static_cast<std::uint32_t>(count));
        orders_sent_ += count;
        notify(request);
    }

    void notify(std::uint32_t request)
    {
        sbm_runner &shared = control();
        set(shared.request, request);
        store(shared.sequence, ++sequence_);
        if (load(shared.runner_waits))
            os::futex_wake(&shared.sequence);
    }

    // The next thing that the cell wants or that has become of it. A question that it has not left
    // the machine for is found by looking only.
    Exit await_exit()
    {
        for (;;) {
            if (spin_.looks() && finds_question())
                return HostCall{SBM_SYSTEM_CALL, 0};
            Exit exit = await_answer();
            spin_.end();
            asked_ = read_once(image_->mailbox().asked);
            const bool was_told = std::exchange(was_told_within_, false) && asked_ == told_;
            const auto *call = std::get_if<HostCall>(&exit);
            if (!was_told || !call || call->proxy != SBM_SYSTEM_CALL)
                return exit;
            send(SBM_REQUEST_RESUME, 0, 0); // it left while it was answered
        }
    }

    // Says that it does not look any more before it looks a last time: see sbm::system::ask.
    bool finds_question()
    {
        sbm_mailbox &mailbox = image_->mailbox();
        const auto is_there = [&] { return load(mailbox.asked) != told_ || answered(); };
        if (!spin_.await(is_there))
            store(mailbox.host_looks, 0);
        asked_ = load(mailbox.asked);
        if (asked_ == told_ || answered())
            return false;
        spin_.end();
        asks_within_ = true;
        return true;
    }

    // Rights to memory go to a runner that stands still: the cell has to leave for its answer.
    // Another exit than that, if there is one.
    std::optional<Exit> make_leave()
    {
        store(image_->mailbox().host_looks, 0);
        Exit exit = await_answer();
        if (!std::holds_alternative<HostCall>(exit))
            return exit;
        asks_within_ = false;
        return std::nullopt;
    }

    Exit await_answer()
    {
        wait_for_answer(meter_.first_slice());
        while (!answered()) {
            if (os::has_ended(runner_.get()))
                return end_dead();
            std::uint64_t next = 0;
            if (const Limit limit = check_limits(next); limit != Limit::none)
                return interrupt(limit);
            wait_for_answer(next);
        }
        return decode();
    }

    Limit check_limits(std::uint64_t &next)
    {
        if (cancelled_.load(std::memory_order_relaxed))
            return Limit::cancelled;
        const Limit limit = meter_.check(next);
        if (limit == Limit::none)
            let_go();
        return limit;
    }

    // After anything but a return or a host call the runner is not trusted to
    // stand still: it ends at once, and memory cannot change any more.
    template <class T> Exit end(T reason)
    {
        kill_runner();
        return reason;
    }

    Exit end_dead()
    {
        kill_runner();
        if (signal_ == SIGSYS)
            return Killed{
                error(Errc::fault, "the cell's process made a system call that it may not")};
        return Killed{error(Errc::fault, "the cell's process was killed (signal %d)", signal_)};
    }

    // Asks the runner where the cell is. It need not tell.
    Exit interrupt(Limit limit)
    {
        store(control().stop, 1);
        os::signal(runner_.get(), SIGALRM);
        wait_for_answer(kInterruptTime);
        const bool told = answered() && read_once(control().exit) == SBM_RUNNER_STOPPED;
        return end(TimedOut{limit, told ? read_registers() : Registers{}});
    }

    Exit decode()
    {
        const sbm_runner &shared = control();
        const std::uint32_t exit = read_once(shared.exit);
        const std::uint64_t value = read_once(shared.value);
        switch (exit) {
        case SBM_RUNNER_OBEYED:
            return Returned{0};
        case SBM_RUNNER_RETURNED:
            return Returned{static_cast<std::int64_t>(value)};
        case SBM_RUNNER_HOST_CALL:
            return HostCall{read_once(image_->mailbox().call_proxy),
                            read_once(image_->mailbox().call_arguments)};
        default:
            return decode_end(exit, value);
        }
    }

    Exit decode_end(std::uint32_t exit, std::uint64_t value)
    {
        const Registers registers = read_registers();
        const std::uint32_t vector = read_once(control().vector);
        const std::uint64_t address = read_once(control().address);
        switch (exit) {
        case SBM_RUNNER_ABORTED:
            return end(Aborted{registers});
        case SBM_RUNNER_FAULTED:
            return end(Faulted{vector, value, address, registers});
        case SBM_RUNNER_SYSTEM_CALL:
            // A module answers its own; whatever says otherwise is a lie.
            if (!image_->is_module())
                return end(SystemCall{value, registers});
            break;
        case SBM_RUNNER_FAILED:
            return end(Killed{error(Errc::fault, "%s", text().c_str())});
        default:
            break;
        }
        return end(Killed{nonsense()});
    }

    Registers read_registers() const
    {
        Registers registers;
        std::memcpy(registers.values.data(), control().registers, sizeof registers.values);
        return registers;
    }

    RunnerHost &host_;
    const image::CellImage *image_ = nullptr;
    os::Descriptor control_file_;
    os::Mapping control_page_;
    os::Descriptor runner_;
    pid_t pid_ = 0;
    int signal_ = 0; // that ended the last runner
    std::uint32_t sequence_ = 0;
    std::vector<image::Region> memory_, lent_;
    bool is_outdated_ = false; // the runner sees other memory than it should
    std::vector<sbm_map_order> orders_;
    std::size_t orders_sent_ = 0;
    CallMeter meter_;
    // Of hot calls. The cell counts its questions in the mailbox.
    Spin spin_;
    os::Places places_;
    std::uint32_t asked_ = 0, told_ = 0; // the last one that was seen, and that was answered
    bool asks_within_ = false;           // the last one has not made it leave the machine
    bool was_told_within_ = false;       // nor the one before it, unless it has just left
    std::atomic<bool> cancelled_{false};
};

Result<std::unique_ptr<Backend>> RunnerHost::open()
{
    auto backend = std::make_unique<RunnerBackend>(*this);
    CELL_CHECK(backend->open());
    return std::unique_ptr<Backend>(std::move(backend));
}

} // namespace

Result<std::shared_ptr<Host>> find_vm_process(std::uint32_t left_out)
{
    auto host = std::make_shared<RunnerHost>(left_out);
    CELL_CHECK(host->find());
    return std::shared_ptr<Host>(std::move(host));
}

} // namespace cell::backend
