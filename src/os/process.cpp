// SPDX-License-Identifier: Apache-2.0
#include "os/process.hpp"

#include "os/clock.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/membarrier.h>
#include <memory>
#include <poll.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace cell::os {
namespace {

constexpr int kHelperSocket = 3;
constexpr int kHelperProgram = 4;
constexpr std::size_t kCloneStack = 32768;

// What the two short-lived processes share with their creator, whose memory they
// use while it waits.
struct Launch {
    int program;
    int socket;
    int error = 0;
    pid_t process = 0;
    int leaves = -1; // a processor
    alignas(16) std::array<std::byte, kCloneStack> outer_stack, inner_stack;
};

// The kernel would leave both on the creator's processor, who has other things to do meanwhile.
__attribute__((no_sanitize("address", "thread", "undefined"))) void leave(unsigned processor)
{
    unsigned long allowed[128] = {}; // of 8192 processors
    constexpr unsigned kBits = 8 * sizeof allowed[0];
    const long size = ::syscall(SYS_sched_getaffinity, 0, sizeof allowed, allowed);
    if (size <= 0 || processor >= 8 * sizeof allowed)
        return;
    allowed[processor / kBits] &= ~(1UL << processor % kBits);
    ::syscall(SYS_sched_setaffinity, 0, size, allowed); // refused if nothing is left
}

// Runs in a process that shares the memory of the program, but not its
// descriptors: nothing here may change memory that others rely on.
__attribute__((no_sanitize("address", "thread", "undefined"))) int become_helper(void *raw)
{
    auto &launch = *static_cast<Launch *>(raw);
    static char name[] = "sbm-cell";
    char *const arguments[] = {name, nullptr};
    char *const environment[] = {nullptr};
    // Out of the way of the numbers that the helper expects, then onto them.
    const int socket = static_cast<int>(::syscall(SYS_fcntl, launch.socket, F_DUPFD, 16));
    const int program = static_cast<int>(::syscall(SYS_fcntl, launch.program, F_DUPFD, 16));
    if (socket < 0 || program < 0 || ::syscall(SYS_dup2, socket, kHelperSocket) < 0 ||
        ::syscall(SYS_dup3, program, kHelperProgram, O_CLOEXEC) < 0 ||
        ::syscall(SYS_close_range, kHelperProgram + 1, ~0U, 0) < 0 ||
        ::syscall(SYS_close_range, 0, kHelperSocket - 1, 0) < 0) {
        launch.error = errno;
        ::syscall(SYS_exit_group, 1);
    }
    // Signals of a terminal pass it by. Not a session: the scheduler weighs sessions against
    // each other, and every hand-over between two of them pays for it.
    ::syscall(SYS_setpgid, 0, 0);
    ::syscall(SYS_chdir, "/");
    if (launch.leaves >= 0)
        leave(static_cast<unsigned>(launch.leaves));
    ::syscall(SYS_execveat, kHelperProgram, "", arguments, environment, AT_EMPTY_PATH);
    launch.error = errno;
    ::syscall(SYS_exit_group, 1);
    return 1;
}

// clone(2) on a stack of the new process's own, as the C library's wrapper does it. That
// one is not used: ThreadSanitizer takes it for a fork, and then refuses new threads.
__attribute__((no_sanitize("address", "thread", "undefined"))) long
clone_onto(std::byte *stack_top, int (*function)(void *), void *argument)
{
    long result = SYS_clone;
    register long unused __asm__("r10") = 0;
    register long also_unused __asm__("r8") = 0;
    register int (*entry)(void *) __asm__("r12") = function;
    register void *data __asm__("r13") = argument;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "ud2\n" // the functions end their process
                     "1:"
                     : "+a"(result), "+r"(unused), "+r"(also_unused)
                     : "D"(CLONE_VM | CLONE_VFORK), "S"(stack_top), "d"(0L), "r"(entry), "r"(data)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

// Gives the helper another parent by dying.
__attribute__((no_sanitize("address", "thread", "undefined"))) int start_inner(void *raw)
{
    auto &launch = *static_cast<Launch *>(raw);
    const long pid =
        clone_onto(launch.inner_stack.data() + launch.inner_stack.size(), become_helper, raw);
    launch.process = static_cast<pid_t>(pid);
    if (pid < 0)
        launch.error = static_cast<int>(-pid);
    ::syscall(SYS_exit_group, 0);
    return 0;
}

// Keeps signals of the program away from processes that share its memory.
class SignalsBlocked {
public:
    SignalsBlocked()
    {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &old_);
    }
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &old_, nullptr); }
    SignalsBlocked(const SignalsBlocked &) = delete;
    SignalsBlocked &operator=(const SignalsBlocked &) = delete;

private:
    sigset_t old_;
};

} // namespace

Result<Helper> start_helper(int program, Start start)
{
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return os_error(errno, "cannot create a socket pair");
    Descriptor ours(ends[0]), theirs(ends[1]);
    auto launch = std::make_unique<Launch>();
    launch->program = program;
    launch->socket = theirs.get();
    launch->leaves = start == Start::elsewhere ? ::sched_getcpu() : -1;
    long pid;
    {
        const SignalsBlocked blocked;
        // Without a signal for the parent, only a wait with __WCLONE sees it.
        pid = clone_onto(launch->outer_stack.data() + launch->outer_stack.size(), start_inner,
                         launch.get());
        if (pid >= 0)
            while (::waitpid(static_cast<pid_t>(pid), nullptr, __WCLONE) < 0 && errno == EINTR) {
            }
    }
    if (pid < 0)
        return os_error(static_cast<int>(-pid), "cannot start a process");
    if (launch->error)
        return os_error(launch->error, "cannot start the cell's process");
    return Helper{std::move(ours), launch->process};
}

Result<void> send_packet(int socket, const void *data, std::size_t size, std::span<const int> files)
{
    iovec part{const_cast<void *>(data), size};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(16 * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!files.empty()) {
        if (CMSG_SPACE(files.size_bytes()) > control.size())
            return error(Errc::no_memory, "too many files for one packet");
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(files.size_bytes());
        cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(files.size_bytes());
        std::memcpy(CMSG_DATA(header), files.data(), files.size_bytes());
    }
    while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return os_error(errno, "the cell's process does not listen");
    return {};
}

Result<Descriptor> receive_packet(int socket, void *data, std::size_t size)
{
    iovec part{data, size};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t received;
    do
        received = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    Descriptor file;
    if (const cmsghdr *header = received >= 0 ? CMSG_FIRSTHDR(&message) : nullptr) {
        int number = -1;
        if (header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof number)) {
            std::memcpy(&number, CMSG_DATA(header), sizeof number);
            file = Descriptor(number);
        }
    }
    if (received < 0)
        return os_error(errno, "the cell's process does not answer");
    if (static_cast<std::size_t>(received) != size)
        return error(Errc::not_available, "the cell's process ended");
    return file;
}

bool await_packet(int socket, std::uint64_t nanoseconds) noexcept
{
    const std::uint64_t end = monotonic_ns() + nanoseconds;
    for (;;) {
        const std::uint64_t now = monotonic_ns();
        const std::uint64_t left = now < end ? (end - now) / 1'000'000 + 1 : 0;
        pollfd entry{socket, POLLIN, 0};
        const int found = ::poll(&entry, 1, static_cast<int>(left));
        if (found > 0)
            return true;
        if (found == 0 || errno != EINTR)
            return false;
    }
}

Result<Descriptor> move_to(Descriptor file, int number)
{
    if (file.get() == number)
        return file;
    if (::dup3(file.get(), number, O_CLOEXEC) < 0)
        return os_error(errno, "a descriptor cannot become number %d", number);
    return Descriptor(number);
}

Result<Descriptor> own_pidfd()
{
    const long number = ::syscall(SYS_pidfd_open, ::getpid(), 0);
    if (number < 0)
        return os_error(errno, "this process cannot be watched");
    return Descriptor(static_cast<int>(number)); // close-on-exec from birth
}

bool has_ended(int pidfd) noexcept
{
    pollfd entry{pidfd, POLLIN, 0};
    return ::poll(&entry, 1, 0) > 0;
}

bool kill(int pidfd) noexcept
{
    return ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0) == 0 || errno == ESRCH;
}

void signal(int pidfd, int number) noexcept
{
    ::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0);
}

bool can_interrupt() noexcept
{
    constexpr unsigned long kBaseInstructions = 2; // HWCAP2: FSGSBASE, which handlers use
    const long commands = ::syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    constexpr long kSeal = 462; // mseal, Linux 6.10; of nothing, it has no effect
    return commands > 0 && (commands & MEMBARRIER_CMD_GLOBAL_EXPEDITED) &&
           (::getauxval(AT_HWCAP2) & kBaseInstructions) && ::syscall(kSeal, 0, 0, 0) == 0;
}

bool interrupt(int pidfd) noexcept
{
    if (::syscall(SYS_pidfd_send_signal, pidfd, SIGUSR1, nullptr, 0) != 0)
        return false;
    // The signal is pending from here on. A processor that still runs the process is
    // interrupted, and delivers the signal on its way back.
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
}

void shut_down(int socket) noexcept
{
    ::shutdown(socket, SHUT_RDWR);
}

void await_end(int pidfd) noexcept
{
    pollfd entry{pidfd, POLLIN, 0};
    while (::poll(&entry, 1, -1) < 0 && errno == EINTR) {
    }
}

} // namespace cell::os
