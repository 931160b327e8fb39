// SPDX-License-Identifier: Apache-2.0
//
// Level `process`: the cell is a process behind a system-call filter, forked from
// a zygote. A call is a hand-over of two futexes in the mailbox.
#include "os/process.hpp"
#include "backend/backend.hpp"
#include "backend/call_meter.hpp"
#include "backend/mailbox.hpp"
#include "backend/process/zygote.hpp"
#include "backend/spin.hpp"
#include "os/futex.hpp"
#include "os/places.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/mman.h>
#include <vector>

extern "C" {
// The bytes of the zygote program, built from guest/zygote.
extern const unsigned char sbm_zygote_begin[] __attribute__((visibility("hidden")));
extern const unsigned char sbm_zygote_end[] __attribute__((visibility("hidden")));
}

namespace cell::backend {
namespace {

// How long an interrupted cell has to tell where it was.
constexpr std::uint64_t kInterruptTime = 2'000'000;

// The processor's exception. The kernel also raises signals without one: then what
// the processor would have said.
std::uint32_t vector_of(const sbm_signal_frame &frame)
{
    constexpr std::uint32_t kUndefined = 6, kProtection = 13;
    if (frame.signal == SIGILL)
        return kUndefined;
    if (frame.trap == 0 && frame.signal != SIGFPE)
        return kProtection;
    return static_cast<std::uint32_t>(frame.trap);
}

// The zygote of some cells, and whether they can be reset without a new process.
class ProcessHost final : public Host {
public:
    ProcessHost(process::Walls walls, std::uint32_t left_out) : walls_(walls), left_out_(left_out)
    {
    }

    Result<void> find()
    {
        CELL_CHECK(zygote_.start({sbm_zygote_begin, sbm_zygote_end}));
        can_interrupt_ = os::can_interrupt();
        return {};
    }

    Result<std::unique_ptr<Backend>> open() override;
    Result<void> confirm() override { return zygote_.confirm(); }

    process::Zygote &zygote() { return zygote_; }
    std::uint32_t left_out() const { return left_out_; }
    bool can_interrupt() const { return can_interrupt_; }
    process::Walls walls() const { return walls_; }

private:
    const process::Walls walls_;
    const std::uint32_t left_out_;
    process::Zygote zygote_;
    bool can_interrupt_ = false;
};

class ProcessBackend final : public Backend {
public:
    explicit ProcessBackend(ProcessHost &host) : host_(host) {}
    ~ProcessBackend() override { kill_cell(); }

    void abandon() override { cell_.reset(); }

    int process_id() const override { return pid_; }

    void cancel() noexcept override
    {
        cancelled_.store(true);
        os::futex_wake(&image_->mailbox().answered); // the caller sleeps there
    }

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
        sbm_cell_constants &constants = image.cell_constants();
        constants.mailbox = image.mailbox_address();
        constants.entry = image.entry();
        constants.stack_top = image.stack_top();
        constants.system_call = image.system_call_entry();
        return fork_cell();
    }

    Result<void> add_memory(const image::Region &memory) override
    {
        memory_.push_back(memory);
        return cell_ ? replace_cell() : Result<void>();
    }

    Result<void> protect(std::uint64_t address, std::uint64_t size, int protection) override
    {
        const sbm_map_order order{address, size, static_cast<std::uint64_t>(protection)};
        orders_.push_back(order);
        return {};
    }

    // A process can be given memory when it is forked, and only its end takes it away.
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

    Result<void> settle() override
    {
        halt();
        if (cell_)
            expect_request();
        else
            is_outdated_ = true;
        return {};
    }

    Exit call(std::uint64_t function, std::uint64_t data, const Limits &limits) override
    {
        if (std::exchange(is_outdated_, false))
            if (const auto replaced = replace_cell(); !replaced)
                return Killed{replaced.error()};
        if (!cell_)
            return Killed{error(Errc::fault, "the cell was not started again")};
        limits_ = limits;
        return begin_call(function, data);
    }

    Exit resume(std::int64_t result) override
    {
        image_->mailbox().call_result = result;
        hand_over_orders();
        // A call that is always about to ask the host never waits for long.
        std::uint64_t unused = 0;
        if (cancelled_.load(std::memory_order_relaxed) || meter_.may_be_over())
            if (const Limit limit = check_limits(unused); limit != Limit::none) {
                cancelled_.store(false, std::memory_order_relaxed);
                return end(TimedOut{limit, {}});
            }
        begin_turn(); // all that an app asks for is one call
        return resume_call();
    }

    // The signal's handler never comes back to what it interrupted, and after the barrier
    // no processor executes anything of that any more. The handler waits for restart.
    void halt() override
    {
        if (!cell_)
            return;
        store(image_->cell_constants().generation, ++generation_);
        if (host_.can_interrupt() && list_protections() && os::interrupt(cell_.get()))
            return;
        kill_cell();
    }

    Result<void> restart() override
    {
        cancelled_.store(false);
        if (!cell_)
            return fork_cell();
        expect_request();
        return {};
    }

private:
    // An Exit is large, and is not moved between here and who reads it.
    Exit begin_call(std::uint64_t function, std::uint64_t data)
    {
        Exit exit = try_call(function, data);
        forget_cancellation(exit);
        // It never served: the reset found it in a state that no handler can run in, or
        // it could not start, which another one will tell.
        if (std::holds_alternative<Killed>(exit) && !has_begun())
            exit = try_another(function, data);
        return exit;
    }

    Exit try_another(std::uint64_t function, std::uint64_t data)
    {
        if (const auto replaced = replace_cell(); !replaced)
            return Killed{replaced.error()};
        Exit exit = try_call(function, data);
        return !std::holds_alternative<Killed>(exit) || has_begun() ? exit : could_not_start();
    }

    Exit resume_call()
    {
        notify(SBM_REQUEST_RESUME);
        Exit exit = await_exit();
        forget_cancellation(exit);
        return exit;
    }

    // A cancellation is for the call that ends.
    void forget_cancellation(const Exit &exit)
    {
        if (!std::holds_alternative<HostCall>(exit))
            cancelled_.store(false, std::memory_order_relaxed);
    }

    // One attempt; Killed without has_begun means that the function did not run.
    Exit try_call(std::uint64_t function, std::uint64_t data)
    {
        begin_turn();
        meter_.begin(limits_, pid_, spin_.bound() ? &spin_ : nullptr);
        while (orders_.size() - orders_sent_ > SBM_MAP_ORDERS) {
            send(SBM_REQUEST_MAP, 0, 0);
            if (Exit exit = await_exit(); !std::holds_alternative<Returned>(exit))
                return exit;
        }
        send(SBM_REQUEST_CALL, function, data);
        return await_exit();
    }

    // The cell is about to run: where, and how long each side will look for the other one.
    void begin_turn()
    {
        if (spin_.bound())
            spin_.begin();
        spin_.look(spin_.pays() && leave_caller());
        if (!spin_.looks())
            follow_caller();
        set(image_->mailbox().spin, spin_.now());
    }

    // Has the cell begun to serve since it was forked or reset?
    bool has_begun() const { return load(image_->mailbox().generation) == generation_; }

    Exit could_not_start()
    {
        return Killed{status_ ? os_error(status_, "the cell's process cannot start")
                              : error(Errc::not_available, "the cell's process does not start")};
    }

    // The rights to all memory of the buffers, piece by piece, as they were given so far.
    // False if there are too many to tell.
    bool list_protections()
    {
        if (listed_ == orders_sent_)
            return true;
        std::vector<sbm_map_order> granted(
            orders_.begin(), orders_.begin() + static_cast<std::ptrdiff_t>(orders_sent_));
        std::sort(granted.begin(), granted.end(),
                  [](const auto &a, const auto &b) { return a.address < b.address; });
        std::vector<sbm_map_order> all;
        for (const image::Region &memory : memory_) {
            std::uint64_t at = memory.address;
            for (const sbm_map_order &order : granted) {
                if (order.address < at || order.address >= memory.address + memory.size)
                    continue;
                if (order.address > at)
                    all.push_back({at, order.address - at, PROT_NONE});
                all.push_back(order);
                at = order.address + order.size;
            }
            if (at < memory.address + memory.size)
                all.push_back({at, memory.address + memory.size - at, PROT_NONE});
        }
        if (all.size() > SBM_CONSTANT_ORDERS)
            return false;
        sbm_cell_constants &constants = image_->cell_constants();
        std::copy(all.begin(), all.end(), constants.orders);
        constants.order_count = static_cast<std::uint32_t>(all.size());
        listed_ = orders_sent_;
        return true;
    }

    // As a cell finds it when it begins to serve.
    void prepare_mailbox()
    {
        sbm_mailbox &mailbox = image_->mailbox();
        store(mailbox.sequence, sequence_);
        store(mailbox.answered, sequence_);
        store(mailbox.cell_waits, 0);
        image_->cell_constants().sequence = sequence_;
        store(image_->cell_constants().ready, generation_);
    }

    // The process that was halted begins to serve with its next request.
    void expect_request()
    {
        prepare_mailbox();
        waits_for_ready_ = true;
    }

    Result<void> fork_cell()
    {
        store(image_->cell_constants().generation, ++generation_);
        image_->cell_constants().order_count = 0;
        image_->cell_constants().thread_pointer = image_->thread_pointer();
        prepare_mailbox();
        std::vector<image::Region> shown = image_->regions();
        shown.insert(shown.end(), lent_.begin(), lent_.end());
        CELL_TRY(process::Zygote::Forked forked,
                 host_.zygote().fork(shown, memory_, host_.walls(), host_.left_out()));
        cell_ = std::move(forked.pidfd);
        pid_ = forked.pid;
        places_.forget();
        waits_for_ready_ = false;
        orders_sent_ = 0;
        listed_ = kNone;
        return {};
    }

    void kill_cell()
    {
        if (cell_) {
            // Who may not end the cell ends the zygote, by which the kernel ends the cell.
            if (!os::kill(cell_.get()))
                host_.zygote().give_up();
            os::await_end(cell_.get());
            const auto status = host_.zygote().reap(pid_);
            status_ = status ? *status : 0;
        }
        cell_.reset();
        pid_ = 0;
    }

    Result<void> replace_cell()
    {
        kill_cell();
        return fork_cell();
    }

    bool answered() const { return load(image_->mailbox().answered) == sequence_; }

    void wait_for_answer(std::uint64_t timeout)
    {
        sbm_mailbox &mailbox = image_->mailbox();
        store(mailbox.host_waits, 1);
        const std::uint32_t seen = load(mailbox.answered);
        if (seen != sequence_)
            os::futex_wait(&mailbox.answered, seen, timeout);
        mailbox.host_waits = 0;
    }

    // The id of a process that has ended may be another's.
    bool is_there() const { return !os::has_ended(cell_.get()); }

    // Waking a sleeping processor costs ten times more than a switch on this one.
    void follow_caller()
    {
        if (!places_.is_joined() && is_there())
            places_.join_caller(pid_);
    }

    // Are the two on different processors now?
    bool leave_caller()
    {
        return places_.is_apart() || (is_there() && places_.avoid_caller(pid_));
    }

    // A call that takes long may run wherever the kernel finds room.
    void let_go()
    {
        if (places_.is_put() && is_there())
            places_.let_go(pid_);
    }

    void send(std::uint32_t request, std::uint64_t function, std::uint64_t data)
    {
        sbm_mailbox &mailbox = image_->mailbox();
        set(mailbox.function, function);
        set(mailbox.data, data);
        hand_over_orders();
        notify(request);
    }

    // As many as the mailbox holds; the others come with the next request.
    void hand_over_orders()
    {
        sbm_mailbox &mailbox = image_->mailbox();
        const std::size_t count =
            std::min<std::size_t>(orders_.size() - orders_sent_, SBM_MAP_ORDERS);
        if (count)
            std::memcpy(mailbox.orders, orders_.data() + orders_sent_, count * sizeof orders_[0]);
        set(mailbox.order_count, static_cast<std::uint32_t>(count));
        orders_sent_ += count;
    }

    void notify(std::uint32_t request)
    {
        sbm_mailbox &mailbox = image_->mailbox();
        set(mailbox.request, request);
        store(mailbox.sequence, ++sequence_);
        // After a reset the cell need not wake up before there is something to do. It may
        // have come further by itself.
        if (std::exchange(waits_for_ready_, false))
            os::futex_wake(&image_->cell_constants().ready);
        if (load(mailbox.cell_waits))
            os::futex_wake(&mailbox.sequence);
    }

    Exit await_exit()
    {
        if (spin_.looks() && spin_.await([this] { return answered(); })) {
            spin_.end();
            return decode();
        }
        wait_for_answer(meter_.first_slice());
        while (!answered()) {
            if (os::has_ended(cell_.get()))
                return end(Killed{error(Errc::fault, "the cell's process was killed")});
            std::uint64_t next = 0;
            if (const Limit limit = check_limits(next); limit != Limit::none)
                return interrupt(limit);
            wait_for_answer(next);
        }
        spin_.end();
        return decode();
    }

    // Which limit is used up; else `next` is how long to wait at most.
    Limit check_limits(std::uint64_t &next)
    {
        if (cancelled_.load(std::memory_order_relaxed))
            return Limit::cancelled;
        const Limit limit = meter_.check(next);
        if (limit == Limit::none)
            let_go();
        return limit;
    }

    // After anything but a return or a host call the process is not trusted to
    // stand still: it ends at once, and memory cannot change any more.
    template <class T> Exit end(T reason)
    {
        kill_cell();
        return reason;
    }

    Exit decode()
    {
        const sbm_mailbox &mailbox = image_->mailbox();
        switch (read_once(mailbox.exit)) {
        case SBM_EXIT_RETURN:
            return Returned{read_once(mailbox.value)};
        case SBM_EXIT_HOST_CALL:
            return HostCall{read_once(mailbox.call_proxy), read_once(mailbox.call_arguments)};
        case SBM_EXIT_ABORT:
            kill_cell(); // from here on nothing changes the mailbox
            return Aborted{read_registers()};
        case SBM_EXIT_FAULT:
            return decode_signal();
        default:
            return end(Killed{error(Errc::fault, "the cell answered nonsense")});
        }
    }

    Exit decode_signal()
    {
        kill_cell(); // from here on nothing changes the mailbox
        sbm_signal_frame frame;
        std::memcpy(&frame, &image_->mailbox().fault, sizeof frame);
        const Registers registers = read_registers();
        // A module answers its own; whatever says otherwise is the old entry, or a lie.
        constexpr std::uint32_t kProtection = 13;
        if (frame.signal == SIGSYS && image_->is_module())
            return Faulted{kProtection, 0, 0, registers};
        if (frame.signal == SIGSYS)
            return SystemCall{frame.address, registers};
        return Faulted{vector_of(frame), frame.error, frame.address, registers};
    }

    // Asks the cell where it is, which a cell that behaves badly need not tell.
    Exit interrupt(Limit limit)
    {
        os::signal(cell_.get(), SIGALRM);
        wait_for_answer(kInterruptTime);
        const bool told = answered() && read_once(image_->mailbox().exit) == SBM_EXIT_FAULT;
        kill_cell();
        return TimedOut{limit, told ? read_registers() : Registers{}};
    }

    Registers read_registers() const
    {
        Registers registers;
        std::memcpy(registers.values.data(), image_->mailbox().fault.registers,
                    sizeof registers.values);
        return registers;
    }

    ProcessHost &host_;
    const image::CellImage *image_ = nullptr;
    os::Descriptor cell_;
    pid_t pid_ = 0;
    std::uint32_t sequence_ = 0, generation_ = 0;
    std::vector<image::Region> memory_, lent_;
    bool is_outdated_ = false; // the process sees other memory than it should
    std::vector<sbm_map_order> orders_;
    static constexpr std::size_t kNone = SIZE_MAX;
    std::size_t orders_sent_ = 0, listed_ = kNone; // listed for resets
    Limits limits_{};
    CallMeter meter_;
    Spin spin_;
    os::Places places_;
    bool waits_for_ready_ = false; // after a reset
    std::atomic<bool> cancelled_{false};
    int status_ = 0; // with which the last process ended
};

Result<std::unique_ptr<Backend>> ProcessHost::open()
{
    return std::unique_ptr<Backend>(std::make_unique<ProcessBackend>(*this));
}

} // namespace

Result<std::shared_ptr<Host>> find_process(std::uint32_t left_out)
{
    auto host = std::make_shared<ProcessHost>(process::Walls::all, left_out);
    CELL_CHECK(host->find());
    return std::shared_ptr<Host>(std::move(host));
}

Result<std::shared_ptr<Host>> find_open_process()
{
    auto host = std::make_shared<ProcessHost>(process::Walls::none, 0);
    CELL_CHECK(host->find());
    return std::shared_ptr<Host>(std::move(host));
}

} // namespace cell::backend
