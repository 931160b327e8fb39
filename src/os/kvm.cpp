// SPDX-License-Identifier: Apache-2.0
#include "os/kvm.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/ioctl.h>

namespace cell::os {
namespace {

// The kernel's structures: a count, padding, and a variable number of entries.
struct VariableHeader {
    std::uint32_t count;
    std::uint32_t padding;
};
constexpr unsigned long kGetSupportedCpuid = _IOWR(KVMIO, 0x05, VariableHeader);
constexpr unsigned long kSetCpuid = _IOW(KVMIO, 0x90, VariableHeader);
constexpr unsigned long kSetMsrs = _IOW(KVMIO, 0x89, VariableHeader);
struct ExtendedState {
    std::array<std::byte, 4096> area;
};
constexpr unsigned long kSetXsave = _IOW(KVMIO, 0xa5, ExtendedState);
static_assert(kGetSupportedCpuid == 0xc008ae05 && kSetCpuid == 0x4008ae90 &&
                  kSetMsrs == 0x4008ae89 && kSetXsave == 0x5000aea5,
              "ioctl numbers as in the kernel, where the entries have no size");

struct ModelRegisters {
    VariableHeader header;
    std::array<kvm_msr_entry, 16> entries;
};

// x87, SSE, AVX, AVX-512 and the protection keys' rights: states that user code may
// use without asking. The last is there for the host's sake: where user code of a
// machine can write the rights register although its CR4 says no, KVM switches that
// register between machine and host only if XCR0 has it.
constexpr std::array<std::uint64_t, 6> kExtendedStates = {0x2e7, 0xe7, 0x207, 0x7, 0x203, 0x3};

} // namespace

Result<Kvm> Kvm::open()
{
    Descriptor device(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
    if (!device)
        return os_error(errno == ENOENT ? ENODEV : errno, "/dev/kvm cannot be opened");
    return adopt(std::move(device));
}

Result<Kvm> Kvm::adopt(Descriptor device)
{
    Kvm kvm;
    kvm.device_ = std::move(device);
    if (::ioctl(kvm.device_.get(), KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
        return error(Errc::not_available, "/dev/kvm speaks another version of the interface");
    struct Needed {
        int capability;
        const char *name;
    };
    constexpr Needed kNeeded[] = {{KVM_CAP_USER_MEMORY, "user memory"},
                                  {KVM_CAP_READONLY_MEM, "read-only memory"},
                                  {KVM_CAP_SYNC_REGS, "registers in the shared page"},
                                  {KVM_CAP_IMMEDIATE_EXIT, "immediate exit"},
                                  {KVM_CAP_XSAVE, "extended state"}};
    for (const Needed &needed : kNeeded)
        if (::ioctl(kvm.device_.get(), KVM_CHECK_EXTENSION, needed.capability) <= 0)
            return error(Errc::not_available, "KVM of this host lacks %s", needed.name);
    const int size = ::ioctl(kvm.device_.get(), KVM_GET_VCPU_MMAP_SIZE, 0);
    if (size < static_cast<int>(sizeof(kvm_run)))
        return error(Errc::not_available, "KVM of this host has no shared run page");
    kvm.run_size_ = static_cast<std::size_t>(size);
    return kvm;
}

Result<Descriptor> Kvm::create_machine() const
{
    int machine;
    do // a signal of the program can interrupt the creation
        machine = ::ioctl(device_.get(), KVM_CREATE_VM, 0);
    while (machine < 0 && errno == EINTR);
    if (machine < 0)
        return os_error(errno, "KVM cannot create a virtual machine");
    return Descriptor(machine);
}

Result<KvmCpuid> Kvm::supported_cpuid() const
{
    KvmCpuid cpuid;
    if (::ioctl(device_.get(), kGetSupportedCpuid, &cpuid) != 0)
        return os_error(errno, "KVM does not tell what the processor can do");
    return cpuid;
}

Result<void> set_memory_slot(int machine, std::uint32_t slot, bool read_only,
                             std::uint64_t guest_address, std::uint64_t size,
                             const void *host_address)
{
    kvm_userspace_memory_region region{};
    region.slot = slot;
    region.flags = read_only ? KVM_MEM_READONLY : 0;
    region.guest_phys_addr = guest_address;
    region.memory_size = size;
    region.userspace_addr = reinterpret_cast<std::uint64_t>(host_address);
    if (::ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region) != 0)
        return os_error(errno, "KVM refuses %llu bytes of memory",
                        static_cast<unsigned long long>(size));
    return {};
}

Result<Descriptor> create_processor(int machine)
{
    const int processor = ::ioctl(machine, KVM_CREATE_VCPU, 0);
    if (processor < 0)
        return os_error(errno, "KVM cannot create a processor");
    return Descriptor(processor);
}

Result<void> set_cpuid(int processor, const KvmCpuid &cpuid)
{
    if (::ioctl(processor, kSetCpuid, &cpuid) != 0)
        return os_error(errno, "KVM refuses its own processor description");
    return {};
}

Result<void> set_model_registers(int processor, std::span<const KvmRegister> registers)
{
    ModelRegisters list{};
    if (registers.size() > list.entries.size())
        return error(Errc::misuse, "too many model-specific registers");
    list.header.count = static_cast<std::uint32_t>(registers.size());
    for (std::size_t i = 0; i < registers.size(); i++) {
        list.entries[i].index = registers[i].index;
        list.entries[i].data = registers[i].value;
    }
    const int done = ::ioctl(processor, kSetMsrs, &list);
    if (done < 0)
        return os_error(errno, "KVM refuses model-specific registers");
    if (static_cast<std::size_t>(done) != registers.size())
        return error(Errc::not_available, "KVM refuses the model-specific register %#x",
                     registers[static_cast<std::size_t>(done)].index);
    return {};
}

Result<kvm_sregs> get_special_registers(int processor)
{
    kvm_sregs registers;
    if (::ioctl(processor, KVM_GET_SREGS, &registers) != 0)
        return os_error(errno, "KVM does not give the special registers");
    return registers;
}

Result<void> set_special_registers(int processor, const kvm_sregs &registers)
{
    if (::ioctl(processor, KVM_SET_SREGS, &registers) != 0)
        return os_error(errno, "KVM refuses the special registers");
    return {};
}

Result<void> enable_extended_states(int processor)
{
    bool set = false;
    for (const std::uint64_t states : kExtendedStates) {
        kvm_xcrs registers{};
        registers.nr_xcrs = 1;
        registers.xcrs[0].value = states;
        if ((set = ::ioctl(processor, KVM_SET_XCRS, &registers) == 0))
            break;
    }
    if (!set)
        return os_error(errno, "KVM refuses every set of extended states");
    return {};
}

Result<void> reset_extended_state(int processor)
{
    // Byte 512 starts the XSAVE header; no bit in it means the initial state. The
    // legacy part holds the x87 control word at 0 and MXCSR at 24 even then.
    ExtendedState state{};
    constexpr std::uint16_t kX87Control = 0x37f;
    constexpr std::uint32_t kMxcsr = 0x1f80;
    std::memcpy(state.area.data(), &kX87Control, sizeof kX87Control);
    std::memcpy(state.area.data() + 24, &kMxcsr, sizeof kMxcsr);
    // The protection keys' rights stay as they are unless they are in the list.
    constexpr std::uint64_t kProtectionKeys = 1U << 9;
    std::memcpy(state.area.data() + 512, &kProtectionKeys, sizeof kProtectionKeys);
    if (::ioctl(processor, kSetXsave, &state) == 0)
        return {};
    std::memset(state.area.data() + 512, 0, sizeof kProtectionKeys);
    if (::ioctl(processor, kSetXsave, &state) != 0)
        return os_error(errno, "KVM refuses the extended state");
    return {};
}

int run_processor(int processor) noexcept
{
    return ::ioctl(processor, KVM_RUN, 0) == 0 ? 0 : errno;
}

} // namespace cell::os
