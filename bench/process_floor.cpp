// SPDX-License-Identifier: Apache-2.0
#include "floors.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <elf.h>
#include <linux/futex.h>
#include <memory>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The whole of the small program: for each byte on descriptor 0 it forks a child
// that ends at once, waits for it, and answers with the times before and after.
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        ".globl sbm_small_program, sbm_small_program_end\n"
        ".hidden sbm_small_program, sbm_small_program_end\n"
        "sbm_small_program:\n"
        "  sub $64, %rsp\n"
        "1:\n"
        "  xor %eax, %eax\n" // read(0, rsp, 1)
        "  xor %edi, %edi\n"
        "  mov %rsp, %rsi\n"
        "  mov $1, %edx\n"
        "  syscall\n"
        "  cmp $1, %rax\n"
        "  jne 2f\n"
        "  mov $228, %eax\n" // clock_gettime(CLOCK_MONOTONIC, rsp + 16)
        "  mov $1, %edi\n"
        "  lea 16(%rsp), %rsi\n"
        "  syscall\n"
        "  mov $57, %eax\n" // fork()
        "  syscall\n"
        "  test %rax, %rax\n"
        "  je 2f\n"
        "  mov %rax, %rdi\n" // wait4(child, 0, 0, 0)
        "  mov $61, %eax\n"
        "  xor %esi, %esi\n"
        "  xor %edx, %edx\n"
        "  xor %r10d, %r10d\n"
        "  syscall\n"
        "  mov $228, %eax\n" // clock_gettime(CLOCK_MONOTONIC, rsp + 32)
        "  mov $1, %edi\n"
        "  lea 32(%rsp), %rsi\n"
        "  syscall\n"
        "  mov $1, %eax\n" // write(0, rsp + 16, 32)
        "  xor %edi, %edi\n"
        "  lea 16(%rsp), %rsi\n"
        "  mov $32, %edx\n"
        "  syscall\n"
        "  jmp 1b\n"
        "2:\n"
        "  mov $60, %eax\n" // exit(0)
        "  xor %edi, %edi\n"
        "  syscall\n"
        "sbm_small_program_end:\n"
        ".popsection\n");
extern "C" __attribute__((visibility("hidden"))) const char sbm_small_program[],
    sbm_small_program_end[];

namespace bench {
namespace {

// Kills and collects a child of this program.
class Child {
public:
    explicit Child(pid_t id) : id_(id) {}
    ~Child()
    {
        if (id_ <= 0)
            return;
        ::kill(id_, SIGKILL);
        ::waitpid(id_, nullptr, 0);
    }
    Child(const Child &) = delete;
    Child &operator=(const Child &) = delete;
    bool started() const { return id_ > 0; }

private:
    pid_t id_;
};

struct Words {
    alignas(64) std::atomic<std::uint32_t> question;
    alignas(64) std::atomic<std::uint32_t> answer;
};

void wait_while(std::atomic<std::uint32_t> &word, std::uint32_t value)
{
    while (word.load() == value)
        ::syscall(SYS_futex, &word, FUTEX_WAIT, value, nullptr, nullptr, 0);
}

void set(std::atomic<std::uint32_t> &word, std::uint32_t value)
{
    word.store(value);
    ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

[[noreturn]] void answer_forever(Words &words)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (std::uint32_t turn = 1;; turn++) {
        wait_while(words.question, turn - 1);
        set(words.answer, turn);
    }
}

class HandOver {
public:
    HandOver()
        : words_(static_cast<Words *>(::mmap(nullptr, sizeof(Words), PROT_READ | PROT_WRITE,
                                             MAP_SHARED | MAP_ANONYMOUS, -1, 0)))
    {
        if (words_ == MAP_FAILED)
            return;
        const pid_t id = ::fork(); // on the processor that the caller is pinned to
        if (id == 0)
            answer_forever(*words_);
        child_ = std::make_unique<Child>(id);
    }
    ~HandOver()
    {
        child_.reset();
        if (words_ != MAP_FAILED)
            ::munmap(words_, sizeof(Words));
    }
    HandOver(const HandOver &) = delete;
    HandOver &operator=(const HandOver &) = delete;

    bool works() const { return child_ && child_->started(); }
    void turn()
    {
        turn_++;
        set(words_->question, turn_);
        wait_while(words_->answer, turn_ - 1);
    }

private:
    Words *words_;
    std::unique_ptr<Child> child_;
    std::uint32_t turn_ = 0;
};

// A program file of one segment: the headers and the code above.
int small_program_file()
{
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr segment;
        char code[512];
    } file{};
    const auto size = static_cast<std::size_t>(sbm_small_program_end - sbm_small_program);
    if (size > sizeof file.code)
        return -1;
    constexpr std::uint64_t kBase = 0x10000000;
    constexpr unsigned char kIdentity[] = {0x7f,       'E',         'L',       'F',
                                           ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
    std::copy(std::begin(kIdentity), std::end(kIdentity), file.header.e_ident);
    file.header.e_type = ET_EXEC;
    file.header.e_machine = EM_X86_64;
    file.header.e_version = EV_CURRENT;
    file.header.e_entry = kBase + sizeof file.header + sizeof file.segment;
    file.header.e_phoff = sizeof file.header;
    file.header.e_ehsize = sizeof file.header;
    file.header.e_phentsize = sizeof file.segment;
    file.header.e_phnum = 1;
    file.segment.p_type = PT_LOAD;
    file.segment.p_flags = PF_R | PF_X;
    file.segment.p_vaddr = kBase;
    file.segment.p_filesz = file.segment.p_memsz = sizeof file;
    file.segment.p_align = 4096;
    std::copy(sbm_small_program, sbm_small_program_end, file.code);
    const int number = ::memfd_create("sbm-bench", MFD_CLOEXEC);
    if (number >= 0 && ::write(number, &file, sizeof file) == static_cast<ssize_t>(sizeof file))
        return number;
    if (number >= 0)
        ::close(number);
    return -1;
}

class SmallProcess {
public:
    SmallProcess()
    {
        int ends[2];
        const int program = small_program_file();
        if (program < 0 || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            return;
        socket_ = ends[0];
        const pid_t id = ::fork();
        if (id == 0) {
            char name[] = "sbm-bench-small";
            char *arguments[] = {name, nullptr}, *environment[] = {nullptr};
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(ends[1], 0);
            ::fexecve(program, arguments, environment);
            ::_exit(1);
        }
        child_ = std::make_unique<Child>(id);
        ::close(ends[1]);
        ::close(program);
    }
    ~SmallProcess()
    {
        if (socket_ >= 0)
            ::close(socket_);
    }
    SmallProcess(const SmallProcess &) = delete;
    SmallProcess &operator=(const SmallProcess &) = delete;

    // Nanoseconds by the small process's own clock, or -1.
    double fork_once()
    {
        timespec times[2];
        if (::write(socket_, "f", 1) != 1 || ::read(socket_, times, sizeof times) != sizeof times)
            return -1;
        return static_cast<double>(times[1].tv_sec - times[0].tv_sec) * 1e9 +
               static_cast<double>(times[1].tv_nsec - times[0].tv_nsec);
    }

private:
    int socket_ = -1;
    std::unique_ptr<Child> child_;
};

} // namespace

Operation hand_over()
{
    auto pair = std::make_shared<HandOver>();
    if (!pair->works())
        return {};
    return [pair] { return time_of([&] { pair->turn(); }); };
}

Operation small_fork()
{
    auto process = std::make_shared<SmallProcess>();
    if (process->fork_once() < 0)
        return {};
    return [process] { return process->fork_once(); };
}

} // namespace bench
