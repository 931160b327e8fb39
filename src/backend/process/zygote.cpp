// SPDX-License-Identifier: Apache-2.0
#include "backend/process/zygote.hpp"

#include "base/checked.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <cerrno>
#include <sched.h>
#include <sys/mman.h>
#include <utility>
#include <vector>

namespace cell::backend::process {
namespace {

constexpr char kOfParent[] = "the sandbox belongs to the parent process";
constexpr std::uint64_t kAnswerTime = 30'000'000'000;

// Code of the cell can make writable what it may read. What it then writes there must
// stay its own: neither the host nor the cell after a reset may see it.
std::uint32_t flags_of(const image::Region &region)
{
    return region.shared && (region.protection & PROT_WRITE) ? MAP_SHARED : MAP_PRIVATE;
}

} // namespace

struct Zygote::Sender {
    explicit Sender(int to) : socket_number(to) {}

    const int socket_number;
    sbm_zygote_message message{};
    std::vector<int> files, sent; // of this message, of earlier ones

    Result<void> add(const image::Region &region, bool hidden)
    {
        if (message.count == SBM_ZYGOTE_SEGMENTS || files.size() == SBM_ZYGOTE_FILES)
            CELL_CHECK(flush());
        const std::size_t file = number_of(region.file);
        if (file >= SBM_ZYGOTE_ALL_FILES || ++total > SBM_ZYGOTE_ALL_SEGMENTS)
            return error(Errc::no_memory, "the cell's memory is in too many pieces");
        message.segments[message.count++] = {
            region.address,
            region.size,
            region.offset,
            static_cast<std::uint32_t>(file),
            static_cast<std::uint32_t>(hidden ? PROT_NONE : region.protection),
            flags_of(region),
            hidden || region.may_change};
        return {};
    }

    Result<void> flush()
    {
        message.order = SBM_ZYGOTE_ADD;
        CELL_CHECK(os::send_packet(socket_number, &message, sizeof message, files));
        sent.insert(sent.end(), files.begin(), files.end());
        files.clear();
        message.count = 0;
        return {};
    }

    std::size_t number_of(int file)
    {
        if (const auto at = std::find(sent.begin(), sent.end(), file); at != sent.end())
            return static_cast<std::size_t>(at - sent.begin());
        const auto at = std::find(files.begin(), files.end(), file);
        const auto place = static_cast<std::size_t>(at - files.begin());
        if (at == files.end())
            files.push_back(file);
        return sent.size() + place;
    }

    std::size_t total = 0; // segments of all messages
};

Zygote::~Zygote()
{
    // Closing is not enough: a child that the program forked may hold the socket too. And
    // what such a child does is not the end of its parent's cells.
    if (socket_ && !is_in_child())
        os::shut_down(socket_.get());
}

Result<void> Zygote::start(std::span<const unsigned char> bytes)
{
    CELL_TRY(birth_mark_, os::anonymous(kPage));
    if (::madvise(birth_mark_.data(), kPage, MADV_WIPEONFORK) != 0)
        return os_error(errno, "the kernel cannot mark a page to be cleared in a child");
    birth_mark_.data()[0] = std::byte{1};
    CELL_TRY(const os::Descriptor program, os::program_file("sbm-zygote", std::as_bytes(bytes)));
    CELL_TRY(os::Helper helper, os::start_helper(program.get(), os::Start::elsewhere));
    socket_ = std::move(helper.socket);
    return let_watch();
}

Result<void> Zygote::prepare(int device)
{
    const std::lock_guard lock(mutex_);
    device_ = device;
    return order_preparation();
}

Result<void> Zygote::order_preparation()
{
    sbm_zygote_message message{};
    message.order = SBM_ZYGOTE_PREPARE;
    const int files[] = {device_};
    CELL_CHECK(os::send_packet(socket_.get(), &message, sizeof message, files));
    is_preparing_ = true;
    return {};
}

Result<void> Zygote::confirm()
{
    if (is_in_child())
        return error(Errc::misuse, kOfParent);
    const std::lock_guard lock(mutex_);
    CELL_CHECK(greet());
    return is_preparing_ ? await_prepared() : Result<void>();
}

Result<void> Zygote::greet()
{
    if (pid_ != 0)
        return {};
    if (!failure_) {
        const auto greeted = receive_greeting();
        if (greeted)
            return {};
        failure_ = greeted.error();
        os::shut_down(socket_.get());
    }
    return *failure_;
}

// Its first words, and the answer to the first order.
Result<void> Zygote::receive_greeting()
{
    CELL_TRY(const sbm_zygote_reply hello, receive());
    if (hello.error)
        return os_error(hello.error, "the cell's process cannot unmap what the kernel gave it");
    CELL_TRY(const sbm_zygote_reply watches, receive());
    pid_ = watches.pid;
    return {};
}

Result<void> Zygote::await_prepared()
{
    is_preparing_ = false;
    CELL_TRY(prepared_, receive_forked());
    return {};
}

// A runner that waits for its orders; nothing for cells, which are forked with them.
Result<std::optional<Zygote::Forked>> Zygote::take_prepared()
{
    if (device_ < 0)
        return std::optional<Forked>();
    if (prepared_ && os::has_ended(prepared_->pidfd.get())) { // while nobody needed it
        CELL_CHECK(reap_now(prepared_->pid));
        prepared_.reset();
    }
    if (!prepared_) {
        if (!is_preparing_)
            CELL_CHECK(order_preparation());
        CELL_CHECK(await_prepared());
    }
    return std::exchange(prepared_, std::nullopt);
}

bool Zygote::is_in_child() const
{
    return birth_mark_.data() && birth_mark_.data()[0] == std::byte{0};
}

// The zygote ends with this process, whoever else holds the socket.
Result<void> Zygote::let_watch()
{
    CELL_TRY(const os::Descriptor self, os::own_pidfd());
    sbm_zygote_message message{};
    message.order = SBM_ZYGOTE_WATCH;
    const int files[] = {self.get()};
    return os::send_packet(socket_.get(), &message, sizeof message, files);
}

// Who does not answer in time is not waited for again.
Result<sbm_zygote_reply> Zygote::receive(os::Descriptor *file)
{
    sbm_zygote_reply reply;
    if (!os::await_packet(socket_.get(), kAnswerTime)) {
        os::shut_down(socket_.get());
        return error(Errc::not_available, "the cell's process does not answer");
    }
    CELL_TRY(os::Descriptor received, os::receive_packet(socket_.get(), &reply, sizeof reply));
    if (file)
        *file = std::move(received);
    return reply;
}

// Waking a sleeping processor costs ten times more than a switch on this one.
void Zygote::follow_caller()
{
    const int here = ::sched_getcpu();
    if (here == cpu_ || here < 0)
        return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(here), &set);
    cpu_ = ::sched_setaffinity(pid_, sizeof set, &set) == 0 ? here : -1;
}

Result<Zygote::Forked> Zygote::fork(std::span<const image::Region> regions,
                                    std::span<const image::Region> hidden, Walls walls,
                                    std::uint32_t left_out)
{
    if (is_in_child())
        return error(Errc::misuse, kOfParent);
    const std::lock_guard lock(mutex_);
    CELL_CHECK(greet());
    follow_caller();
    CELL_TRY(std::optional<Forked> runner, take_prepared());
    const auto sent =
        without_throwing([&] { return send_orders(regions, hidden, walls, left_out); });
    if (!sent) {
        discard(runner ? runner->pid : 0);
        return sent.error();
    }
    if (runner)
        return std::move(*runner);
    return receive_forked();
}

Result<void> Zygote::send_orders(std::span<const image::Region> regions,
                                 std::span<const image::Region> hidden, Walls walls,
                                 std::uint32_t left_out)
{
    Sender sender(socket_.get());
    for (const image::Region &region : regions)
        CELL_CHECK(sender.add(region, false));
    for (const image::Region &region : hidden)
        CELL_CHECK(sender.add(region, true));
    CELL_CHECK(sender.flush());
    sender.message.order = walls == Walls::all ? SBM_ZYGOTE_FORK : SBM_ZYGOTE_FORK_OPEN;
    sender.message.left_out = left_out;
    return os::send_packet(socket_.get(), &sender.message, sizeof sender.message);
}

Result<Zygote::Forked> Zygote::receive_forked()
{
    Forked forked;
    CELL_TRY(sbm_zygote_reply reply, receive(&forked.pidfd));
    reply.text[sizeof reply.text - 1] = '\0';
    if (reply.error && reply.text[0])
        return error(reply.error == ENOMEM ? Errc::no_memory : Errc::not_available, "%s",
                     reply.text);
    if (reply.error)
        return os_error(reply.error, "the cell's process cannot be forked");
    if (!forked.pidfd) { // a cell that cannot be watched or ended must not be
        discard(reply.pid);
        return error(Errc::no_memory, "the program has no free descriptor for the cell");
    }
    forked.pid = reply.pid;
    return forked;
}

// What was added, and a cell that was forked in vain. Who cannot be told so is not spoken to
// any more, with all that it has forked.
void Zygote::discard(pid_t forked) noexcept
{
    sbm_zygote_message message{};
    message.order = SBM_ZYGOTE_DISCARD;
    const bool is_done =
        os::send_packet(socket_.get(), &message, sizeof message) && (!forked || reap_now(forked));
    if (!is_done)
        os::shut_down(socket_.get());
}

Result<int> Zygote::reap(pid_t pid)
{
    if (is_in_child())
        return error(Errc::misuse, kOfParent);
    const std::lock_guard lock(mutex_);
    CELL_CHECK(greet());
    return reap_now(pid);
}

Result<int> Zygote::reap_now(pid_t pid)
{
    sbm_zygote_message message{};
    message.order = SBM_ZYGOTE_REAP;
    message.pid = pid;
    CELL_CHECK(os::send_packet(socket_.get(), &message, sizeof message));
    CELL_TRY(const sbm_zygote_reply reply, receive());
    return reply.error;
}

void Zygote::give_up() noexcept
{
    os::shut_down(socket_.get());
}

} // namespace cell::backend::process
