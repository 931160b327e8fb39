// SPDX-License-Identifier: Apache-2.0
//
// The few ioctls of KVM that a cell needs, with errors in words.
//
// <linux/kvm.h> of Debian 12 is wrong in C++: its flexible-array macro puts an
// empty structure into kvm_cpuid2 and kvm_msrs, which has a size in C++, so that
// both the layouts and the ioctl numbers that contain the size differ from the
// kernel's. Those are declared here.
#pragma once

#include "base/result.hpp"
#include "os/descriptor.hpp"
#include "os/memory.hpp"

#include <array>
#include <cstdint>
#include <linux/kvm.h>
#include <span>

namespace cell::os {

inline constexpr std::size_t kCpuidEntries = 256;
struct KvmCpuid {
    std::uint32_t count = kCpuidEntries;
    std::uint32_t padding = 0;
    std::array<kvm_cpuid_entry2, kCpuidEntries> entries{};
};

struct KvmRegister {
    std::uint32_t index;
    std::uint64_t value;
};

// /dev/kvm, open.
class Kvm {
public:
    // The error says why KVM cannot be used here.
    static Result<Kvm> open();
    static Result<Kvm> adopt(Descriptor device); // one that is open already

    Result<Descriptor> create_machine() const;
    Result<KvmCpuid> supported_cpuid() const;
    std::size_t run_size() const { return run_size_; }
    int device() const { return device_.get(); }

private:
    Descriptor device_;
    std::size_t run_size_ = 0;
};

// Memory of the host as memory of the machine.
Result<void> set_memory_slot(int machine, std::uint32_t slot, bool read_only,
                             std::uint64_t guest_address, std::uint64_t size,
                             const void *host_address);

Result<Descriptor> create_processor(int machine);

Result<void> set_cpuid(int processor, const KvmCpuid &cpuid);
Result<void> set_model_registers(int processor, std::span<const KvmRegister> registers);
Result<kvm_sregs> get_special_registers(int processor);
Result<void> set_special_registers(int processor, const kvm_sregs &registers);

// Enables the widest set of extended states that both the host and KVM have.
Result<void> enable_extended_states(int processor);

// x87, SSE and AVX state as after a processor reset.
Result<void> reset_extended_state(int processor);

// Enters the machine. 0, or the errno of KVM_RUN.
int run_processor(int processor) noexcept;

} // namespace cell::os
