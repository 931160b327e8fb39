// SPDX-License-Identifier: Apache-2.0
//
// The smallest guest that runs in ring 3 and can leave: page tables, a task state
// segment with a port bitmap, and two instructions.
#include "floors.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <linux/kvm.h>
#include <memory>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace bench {
namespace {

constexpr std::size_t kMemory = std::size_t{1} << 20;
constexpr std::uint64_t kTables = 0x1000, kTaskState = 0x8000, kCode = 0x10000;
constexpr unsigned kPort = 0x10;

// <linux/kvm.h> of Debian 12 gives its variable arrays a size in C++, and so the
// requests a wrong number.
struct CpuidList {
    std::uint32_t count = 256, padding = 0;
    std::array<kvm_cpuid_entry2, 256> entries{};
};
constexpr unsigned long kGetSupportedCpuid = 0xc008ae05, kSetCpuid = 0x4008ae90;

class File {
public:
    explicit File(int number) : number_(number) {}
    ~File()
    {
        if (number_ >= 0)
            ::close(number_);
    }
    File(const File &) = delete;
    File &operator=(const File &) = delete;
    int get() const { return number_; }
    bool works() const { return number_ >= 0; }

private:
    int number_;
};

class Memory {
public:
    Memory(std::size_t size, int file)
        : size_(size),
          address_(::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                          file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, file, 0))
    {
    }
    ~Memory()
    {
        if (works())
            ::munmap(address_, size_);
    }
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;
    bool works() const { return address_ != MAP_FAILED; }
    char *at(std::uint64_t offset) const { return static_cast<char *>(address_) + offset; }

private:
    std::size_t size_;
    void *address_;
};

bool add_slot(int machine, const Memory &memory)
{
    kvm_userspace_memory_region region{};
    region.memory_size = kMemory;
    region.userspace_addr = reinterpret_cast<std::uint64_t>(memory.at(0));
    return ::ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region) == 0;
}

// The first megabyte at its own address, in 4 KiB pages that ring 3 may use.
void fill_tables(const Memory &memory)
{
    constexpr std::uint64_t kRights = 0x67; // present, write, user, accessed, dirty
    const auto put = [&](std::uint64_t table, std::uint64_t index, std::uint64_t entry) {
        std::memcpy(memory.at(table + index * sizeof entry), &entry, sizeof entry);
    };
    for (std::uint64_t level = 0; level < 3; level++)
        put(kTables + level * 0x1000, 0, (kTables + (level + 1) * 0x1000) | kRights);
    for (std::uint64_t page = 0; page < kMemory / 0x1000; page++)
        put(kTables + 3 * 0x1000, page, page * 0x1000 | kRights);
}

constexpr std::uint16_t kTaskBytes = 104; // then 32 bytes for 256 ports, then ones

void fill_task_state(const Memory &memory)
{
    std::memcpy(memory.at(kTaskState + 102), &kTaskBytes, sizeof kTaskBytes);
    std::memset(memory.at(kTaskState + kTaskBytes), 0, 32); // every port is allowed
    std::memset(memory.at(kTaskState + kTaskBytes + 32), 0xff, 1);
}

bool set_registers(int processor)
{
    kvm_sregs special;
    if (::ioctl(processor, KVM_GET_SREGS, &special) != 0)
        return false;
    special.cr0 = 0x80050033; // PE MP ET NE WP AM PG
    special.cr3 = kTables;
    special.cr4 = 0x620;  // PAE OSFXSR OSXMMEXCPT
    special.efer = 0xd01; // SCE LME LMA NXE
    kvm_segment code{};
    code.limit = 0xffffffff;
    code.selector = 0x23;
    code.type = 11;
    code.present = code.s = code.l = code.g = 1;
    code.dpl = 3;
    special.cs = code;
    code.selector = 0x1b;
    code.type = 3;
    code.l = 0;
    code.db = 1;
    special.ds = special.es = special.fs = special.gs = special.ss = code;
    kvm_segment task{};
    task.base = kTaskState;
    task.limit = kTaskBytes + 32;
    task.selector = 0x28;
    task.type = 11;
    task.present = 1;
    special.tr = task;
    kvm_regs general{};
    general.rip = kCode;
    general.rsp = kMemory;
    general.rflags = 2;
    return ::ioctl(processor, KVM_SET_SREGS, &special) == 0 &&
           ::ioctl(processor, KVM_SET_REGS, &general) == 0;
}

class Guest {
public:
    Guest()
        : device_(::open("/dev/kvm", O_RDWR | O_CLOEXEC)),
          machine_(::ioctl(device_.get(), KVM_CREATE_VM, 0)), memory_(kMemory, -1),
          processor_(::ioctl(machine_.get(), KVM_CREATE_VCPU, 0))
    {
        if (!processor_.works() || !memory_.works() || !add_slot(machine_.get(), memory_))
            return;
        const int size = ::ioctl(device_.get(), KVM_GET_VCPU_MMAP_SIZE, 0);
        if (size < static_cast<int>(sizeof(kvm_run)))
            return;
        run_ = std::make_unique<Memory>(static_cast<std::size_t>(size), processor_.get());
        const auto cpuid = std::make_unique<CpuidList>();
        constexpr unsigned char kLoop[] = {0xe6, kPort, 0xeb, 0xfc}; // out %al, $port; jmp back
        fill_tables(memory_);
        fill_task_state(memory_);
        std::memcpy(memory_.at(kCode), kLoop, sizeof kLoop);
        works_ = run_->works() && ::ioctl(device_.get(), kGetSupportedCpuid, cpuid.get()) == 0 &&
                 ::ioctl(processor_.get(), kSetCpuid, cpuid.get()) == 0 &&
                 set_registers(processor_.get()) && leave();
    }

    bool works() const { return works_; }

    // One entry and one exit by the port.
    bool leave() const
    {
        const auto &run = *reinterpret_cast<const kvm_run *>(run_->at(0));
        return ::ioctl(processor_.get(), KVM_RUN, 0) == 0 && run.exit_reason == KVM_EXIT_IO &&
               run.io.port == kPort;
    }

private:
    File device_, machine_;
    Memory memory_;
    File processor_;
    std::unique_ptr<Memory> run_;
    bool works_ = false;
};

} // namespace

Operation guest_exit()
{
    auto guest = std::make_shared<Guest>();
    if (!guest->works())
        return {};
    return [guest] {
        bool left = true;
        const double time = time_of([&] { left = guest->leave(); });
        return left ? time : -1;
    };
}

Operation new_machine()
{
    auto device = std::make_shared<File>(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
    auto memory = std::make_shared<Memory>(kMemory, -1);
    if (!device->works() || !memory->works())
        return {};
    return [device, memory] {
        bool done = true;
        const double time = time_of([&] {
            const File machine(::ioctl(device->get(), KVM_CREATE_VM, 0));
            const File processor(::ioctl(machine.get(), KVM_CREATE_VCPU, 0));
            done = processor.works() && add_slot(machine.get(), *memory);
        });
        return done ? time : -1;
    };
}

} // namespace bench
