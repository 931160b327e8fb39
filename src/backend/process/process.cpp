// SPDX-License-Identifier: Apache-2.0
//
// Level `process`: the cell is a process behind a system-call filter, forked from
// a zygote. A call is a hand-over of two futexes in the mailbox.
#include "os/process.hpp"
#include "abi/mailbox.h"
#include "abi/zygote.h"
#include "backend/backend.hpp"
#include "os/clock.hpp"
#include "os/futex.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sched.h>
#include <sys/mman.h>
#include <vector>

extern "C" {
// The bytes of the zygote program, built from guest/zygote.
extern const unsigned char sbm_zygote_begin[] __attribute__((visibility("hidden")));
extern const unsigned char sbm_zygote_end[] __attribute__((visibility("hidden")));
}

namespace cell::backend {
namespace {

// Calls that are over within this time cost no look at any clock of the cell's. Longer
// than a tick of the kernel's clock: an earlier timer would have to be written to the
// timer hardware, which costs more than a call inside of a virtual machine.
constexpr std::uint64_t kFirstSlice = 8'000'000;
// Limits of processor time below this are counted from a look before the call; others
// from the first look after it, with the time until then counted as used.
constexpr std::uint64_t kExactLimit = 100'000'000;
// How long a dead cell may go unnoticed, and a limit be overrun.
constexpr std::uint64_t kSlice = 5'000'000;
// How long an interrupted cell has to tell where it was.
constexpr std::uint64_t kInterruptTime = 2'000'000;
constexpr std::uint64_t kStartTime = 10'000'000'000;

// The processor clock of a process, as in the kernel's posix-timers.h: the
// complement of its id, then the code of the scheduler's clock.
clockid_t process_clock(pid_t pid)
{
    constexpr clockid_t kSchedulerClock = 2;
    return (~static_cast<clockid_t>(pid) << 3) | kSchedulerClock;
}

std::uint32_t load(const std::uint32_t &word)
{
    return __atomic_load_n(&word, __ATOMIC_SEQ_CST);
}
void store(std::uint32_t &word, std::uint32_t value)
{
    __atomic_store_n(&word, value, __ATOMIC_SEQ_CST);
}

// Reads a field that the cell can change at any time, once.
template <class T> T read_once(const T &field)
{
    return *static_cast<const volatile T *>(&field);
}

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

// Code of the cell can make writable what it may read. What it then writes there must
// stay its own: neither the host nor the cell after a reset may see it.
std::uint32_t flags_of(const image::Region &region)
{
    return region.shared && (region.protection & PROT_WRITE) ? MAP_SHARED : MAP_PRIVATE;
}

class ProcessBackend final : public Backend {
public:
    ~ProcessBackend() override
    {
        kill_cell();
        // Closing is not enough: a child that the program forked may hold the socket too.
        if (socket_)
            os::shut_down(socket_.get());
    }

    void abandon() override
    {
        cell_.reset();
        socket_.reset();
    }

    Result<void> open()
    {
        CELL_TRY(const os::Descriptor program,
                 os::program_file("sbm-zygote",
                                  std::as_bytes(std::span(sbm_zygote_begin, sbm_zygote_end))));
        CELL_TRY(socket_, os::start_helper(program.get()));
        CELL_TRY(const sbm_zygote_reply hello, receive_reply());
        if (hello.error)
            return os_error(hello.error, "the cell's process cannot unmap what the kernel gave it");
        return let_watch();
    }

    Result<void> start(const image::CellImage &image) override
    {
        image_ = &image;
        CELL_CHECK(map(image.regions()));
        for (const image::Region &memory : memory_)
            CELL_CHECK(map_hidden(memory));
        return fork_cell();
    }

    Result<void> add_memory(const image::Region &memory) override
    {
        memory_.push_back(memory);
        if (!image_)
            return {};
        CELL_CHECK(map_hidden(memory));
        return cell_ ? replace_cell() : Result<void>();
    }

    Result<void> protect(std::uint64_t address, std::uint64_t size, int protection) override
    {
        const sbm_map_order order{address, size, static_cast<std::uint64_t>(protection)};
        orders_.push_back(order);
        return {};
    }

    Exit call(std::uint64_t function, std::uint64_t data, const Limits &limits) override
    {
        if (!cell_)
            return Killed{error(Errc::fault, "the cell was not started again")};
        limits_ = limits;
        began_ = os::monotonic_ns();
        cpu_base_ = limits.cpu_time < kExactLimit ? os::cpu_ns(process_clock(pid_)) : kUnknown;
        follow_caller();
        while (orders_.size() - orders_sent_ > SBM_MAP_ORDERS) {
            send(SBM_REQUEST_MAP, 0, 0);
            if (Exit exit = await_exit(); !std::holds_alternative<Returned>(exit))
                return exit;
        }
        send(SBM_REQUEST_CALL, function, data);
        return await_exit();
    }

    Exit resume(std::int64_t result) override
    {
        image_->mailbox().call_result = result;
        image_->mailbox().order_count = 0;
        // A call that is always about to ask the host never waits for long.
        std::uint64_t unused = 0;
        const std::uint64_t passed = os::monotonic_ns() - began_;
        if (passed >= std::min(limits_.wall_time, limits_.cpu_time))
            if (const Limit limit = check_limits(unused); limit != Limit::none)
                return end(TimedOut{limit, {}});
        notify(SBM_REQUEST_RESUME);
        return await_exit();
    }

    void halt() override { kill_cell(); }

    Result<void> restart() override { return replace_cell(); }

private:
    static constexpr std::uint64_t kUnknown = UINT64_MAX;

    // The zygote ends with this process, whoever else holds the socket.
    Result<void> let_watch()
    {
        CELL_TRY(const os::Descriptor self, os::own_pidfd());
        sbm_zygote_message message{};
        message.order = SBM_ZYGOTE_WATCH;
        const int files[] = {self.get()};
        CELL_CHECK(os::send_packet(socket_.get(), &message, sizeof message, files));
        return receive_reply() ? Result<void>()
                               : error(Errc::not_available, "the cell's process ended");
    }

    Result<sbm_zygote_reply> receive_reply()
    {
        sbm_zygote_reply reply;
        CELL_TRY(os::Descriptor file, os::receive_packet(socket_.get(), &reply, sizeof reply));
        received_ = std::move(file);
        return reply;
    }

    Result<void> map_hidden(const image::Region &memory) { return map({memory}, PROT_NONE); }

    // Lets the zygote map regions, as many at a time as fit into a message.
    Result<void> map(const std::vector<image::Region> &regions, int allowed = ~0)
    {
        for (std::size_t done = 0; done < regions.size();) {
            const std::size_t count =
                std::min<std::size_t>(regions.size() - done, SBM_ZYGOTE_SEGMENTS);
            CELL_CHECK(map_some({regions.data() + done, count}, allowed));
            done += count;
        }
        return {};
    }

    Result<void> map_some(std::span<const image::Region> regions, int allowed)
    {
        sbm_zygote_message message{};
        std::vector<int> files;
        message.order = SBM_ZYGOTE_MAP;
        message.count = static_cast<std::uint32_t>(regions.size());
        message.mailbox = image_->mailbox_address();
        message.entry = image_->entry();
        message.stack_top = image_->stack_top();
        message.thread_pointer = image_->thread_pointer();
        message.system_call = image_->system_call_entry();
        for (std::size_t i = 0; i < regions.size(); i++) {
            const image::Region &region = regions[i];
            auto file = std::find(files.begin(), files.end(), region.file);
            if (file == files.end())
                file = files.insert(file, region.file);
            message.segments[i] = {region.address,
                                   region.size,
                                   region.offset,
                                   static_cast<std::uint32_t>(file - files.begin()),
                                   static_cast<std::uint32_t>(region.protection & allowed),
                                   flags_of(region),
                                   0};
        }
        CELL_CHECK(os::send_packet(socket_.get(), &message, sizeof message, files));
        CELL_TRY(const sbm_zygote_reply reply, receive_reply());
        if (reply.error)
            return os_error(reply.error, "the cell cannot map %#llx",
                            static_cast<unsigned long long>(reply.address));
        return {};
    }

    Result<void> fork_cell()
    {
        sbm_zygote_message message{};
        message.order = SBM_ZYGOTE_FORK;
        sequence_ = load(image_->mailbox().sequence);
        store(image_->mailbox().answered, sequence_ - 1);
        CELL_CHECK(os::send_packet(socket_.get(), &message, sizeof message));
        CELL_TRY(const sbm_zygote_reply reply, receive_reply());
        if (reply.error)
            return os_error(reply.error, "the cell's process cannot be forked");
        if (!received_) { // a cell that cannot be watched or ended must not be
            os::shut_down(socket_.get());
            return error(Errc::no_memory, "the program has no free descriptor for the cell");
        }
        cell_ = std::move(received_);
        pid_ = reply.pid;
        cpu_ = -1;
        orders_sent_ = 0;
        return await_ready();
    }

    Result<void> await_ready()
    {
        const std::uint64_t until = os::monotonic_ns() + kStartTime;
        while (!answered()) {
            wait_for_answer(kSlice);
            if (answered())
                break;
            if (os::has_ended(cell_.get()) || os::monotonic_ns() > until)
                return error(Errc::not_available, "the cell's process did not become ready");
        }
        return {};
    }

    void kill_cell()
    {
        if (cell_) {
            // Who may not end the cell ends the zygote, by which the kernel ends the cell.
            if (!os::kill(cell_.get()))
                os::shut_down(socket_.get());
            os::await_end(cell_.get());
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
        const std::uint32_t seen = load(image_->mailbox().answered);
        if (seen != sequence_)
            os::futex_wait(&image_->mailbox().answered, seen, timeout);
    }

    // Waking a sleeping processor costs ten times more than a switch on this one.
    void follow_caller()
    {
        const int here = ::sched_getcpu();
        if (here == cpu_ || here < 0 || os::has_ended(cell_.get())) // then its id may be another's
            return;
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(static_cast<unsigned>(here), &set);
        cpu_ = ::sched_setaffinity(pid_, sizeof set, &set) == 0 ? here : -1;
    }

    // A call that takes long may run wherever the kernel finds room.
    void let_go()
    {
        if (cpu_ < 0 || os::has_ended(cell_.get()))
            return;
        cpu_set_t set;
        if (::sched_getaffinity(0, sizeof set, &set) == 0)
            ::sched_setaffinity(pid_, sizeof set, &set);
        cpu_ = -1;
    }

    void send(std::uint32_t request, std::uint64_t function, std::uint64_t data)
    {
        sbm_mailbox &mailbox = image_->mailbox();
        mailbox.function = function;
        mailbox.data = data;
        const std::size_t count =
            std::min<std::size_t>(orders_.size() - orders_sent_, SBM_MAP_ORDERS);
        if (count)
            std::memcpy(mailbox.orders, orders_.data() + orders_sent_, count * sizeof orders_[0]);
        mailbox.order_count = static_cast<std::uint32_t>(count);
        orders_sent_ += count;
        notify(request);
    }

    void notify(std::uint32_t request)
    {
        sbm_mailbox &mailbox = image_->mailbox();
        mailbox.request = request;
        store(mailbox.sequence, ++sequence_);
        os::futex_wake(&mailbox.sequence);
    }

    Exit await_exit()
    {
        wait_for_answer(std::min({kFirstSlice, limits_.wall_time, limits_.cpu_time}));
        while (!answered()) {
            if (os::has_ended(cell_.get()))
                return end(Killed{error(Errc::fault, "the cell's process was killed")});
            std::uint64_t next = kSlice;
            if (const Limit limit = check_limits(next); limit != Limit::none)
                return interrupt(limit);
            wait_for_answer(next);
        }
        return decode();
    }

    // Which limit is used up; else `next` is cut to when one may be.
    Limit check_limits(std::uint64_t &next)
    {
        const std::uint64_t wall = os::monotonic_ns() - began_;
        if (wall >= limits_.wall_time)
            return Limit::wall_time;
        const std::uint64_t cpu = os::cpu_ns(process_clock(pid_));
        if (cpu_base_ == kUnknown)
            cpu_base_ = cpu - std::min({cpu, wall, kFirstSlice});
        let_go();
        const std::uint64_t used = cpu - std::min(cpu, cpu_base_); // 0 is a process that ended
        if (used >= limits_.cpu_time)
            return Limit::cpu_time;
        next = std::min({next, limits_.wall_time - wall, limits_.cpu_time - used});
        return Limit::none;
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
        if (frame.signal == SIGSYS)
            return SystemCall{frame.address, registers};
        return Faulted{vector_of(frame), frame.error, frame.address, registers};
    }

    // Asks the cell where it is, which a cell that behaves badly need not tell.
    Exit interrupt(Limit limit)
    {
        ::syscall(SYS_pidfd_send_signal, cell_.get(), SIGALRM, nullptr, 0);
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

    const image::CellImage *image_ = nullptr;
    os::Descriptor socket_, cell_, received_;
    pid_t pid_ = 0;
    int cpu_ = -1;
    std::uint32_t sequence_ = 0;
    std::vector<image::Region> memory_;
    std::vector<sbm_map_order> orders_;
    std::size_t orders_sent_ = 0;
    Limits limits_{};
    std::uint64_t began_ = 0, cpu_base_ = kUnknown;
};

class ProcessHost final : public Host {
public:
    Result<std::unique_ptr<Backend>> open() override
    {
        auto backend = std::make_unique<ProcessBackend>();
        CELL_CHECK(backend->open());
        return std::unique_ptr<Backend>(std::move(backend));
    }
};

} // namespace

Result<std::shared_ptr<Host>> find_process()
{
    return std::shared_ptr<Host>(std::make_shared<ProcessHost>());
}

} // namespace cell::backend
