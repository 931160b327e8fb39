// SPDX-License-Identifier: Apache-2.0
//
// What leaves a machine without an operating system, by a machine of this test's
// own. `syscall` reaches ring 0 on some hosts and not on others: the stub has to
// leave from both rings, and both are tried here on any host.
#include "backend/vm/system_memory.hpp"

#include "base/checked.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <sys/mman.h>

namespace cell::backend::vm {
namespace {

constexpr std::uint64_t kSystemAddress = 0x10000000, kCode = 0x20000000, kStack = 0x30000000;
constexpr std::uint64_t kMemory = std::uint64_t{1} << 20, kCodeOffset = kMemory - 2 * kPage;

class SystemMemoryTest : public testing::Test {
protected:
    void SetUp() override
    {
        auto kvm = os::Kvm::open();
        if (!kvm)
            GTEST_SKIP() << kvm.error().text();
        auto memory = os::anonymous(kMemory);
        auto machine = kvm->create_machine();
        ASSERT_TRUE(memory && machine);
        memory_ = std::move(*memory);
        machine_ = std::move(*machine);
        ASSERT_TRUE(os::set_memory_slot(machine_.get(), 0, false, 0, kMemory, memory_.data()));
        auto processor = os::create_processor(machine_.get());
        ASSERT_TRUE(processor);
        processor_ = std::move(*processor);
        auto page =
            os::map_file(processor_.get(), 0, kvm->run_size(), PROT_READ | PROT_WRITE, MAP_SHARED);
        ASSERT_TRUE(page);
        page_ = std::move(*page);
        layout_.emplace(memory_.data(), kSystemAddress);
        PageTables tables(memory_.data() + SystemMemory::kTablesOffset,
                          kCodeOffset - SystemMemory::kTablesOffset, SystemMemory::kTablesOffset);
        ASSERT_TRUE(layout_->map(tables));
        ASSERT_TRUE(tables.map(kCode, kPage, kCodeOffset, {false, true, true}));
        ASSERT_TRUE(tables.map(kStack, kPage, kCodeOffset + kPage, {true, false, true}));
        auto special = os::get_special_registers(processor_.get());
        ASSERT_TRUE(special);
        special_ = *special;
        layout_->set_registers(special_, tables.root(), 0);
        ASSERT_TRUE(os::set_special_registers(processor_.get(), special_));
        const os::KvmRegister registers[] = {{0xc0000081, std::uint64_t{8} << 32},
                                             {0xc0000082, layout_->system_call_stub()},
                                             {0xc0000084, 0}};
        ASSERT_TRUE(os::set_model_registers(processor_.get(), registers));
    }

    kvm_run &run() { return *reinterpret_cast<kvm_run *>(page_.data()); }

    // Runs `code` in ring 3 to the first exit; the port that it left by, or 0.
    template <std::size_t n>
    std::uint16_t run_code(const unsigned char (&code)[n], std::uint64_t rax = 0)
    {
        std::memcpy(memory_.data() + kCodeOffset, code, n);
        return run_at(kCode, rax);
    }

    std::uint16_t run_at(std::uint64_t address, std::uint64_t rax)
    {
        run().kvm_valid_regs = KVM_SYNC_X86_REGS;
        run().kvm_dirty_regs = KVM_SYNC_X86_REGS;
        run().s.regs.regs = {};
        run().s.regs.regs.rip = address;
        run().s.regs.regs.rsp = kStack + kPage;
        run().s.regs.regs.rax = rax;
        run().s.regs.regs.rflags = 2;
        EXPECT_EQ(os::run_processor(processor_.get()), 0);
        EXPECT_EQ(run().exit_reason, static_cast<unsigned>(KVM_EXIT_IO));
        return run().exit_reason == KVM_EXIT_IO ? run().io.port : std::uint16_t{0};
    }

    os::Mapping memory_, page_;
    os::Descriptor machine_, processor_;
    std::optional<SystemMemory> layout_;
    kvm_sregs special_{};
};

TEST_F(SystemMemoryTest, SystemCallLeavesWithItsNumberHere)
{
    const unsigned char code[] = {0x0f, 0x05}; // syscall
    EXPECT_EQ(run_code(code, 39), kPortSystemCall);
    EXPECT_EQ(run().s.regs.regs.rax, 39U);
    EXPECT_EQ(run().s.regs.regs.rcx, kCode + 2) << "where it stood";
}

TEST_F(SystemMemoryTest, SystemCallLeavesFromRing3AndRing0)
{
    EXPECT_EQ(run_at(layout_->system_call_stub(), 1), kPortSystemCall) << "ring 3";
    kvm_sregs privileged = special_;
    layout_->enter_ring_0(privileged);
    ASSERT_TRUE(os::set_special_registers(processor_.get(), privileged));
    EXPECT_EQ(run_at(layout_->system_call_stub(), 2), kPortSystemCall) << "ring 0";
    // And the cell can be put back into ring 3 afterwards.
    ASSERT_TRUE(os::set_special_registers(processor_.get(), special_));
    const unsigned char halt[] = {0xf4};
    EXPECT_EQ(run_code(halt), kPortException + 13) << "hlt is not for ring 3";
}

TEST_F(SystemMemoryTest, OnlyThreePortsAreOpen)
{
    for (unsigned port = 0; port < 256; port++) {
        const unsigned char code[] = {0xe6, static_cast<unsigned char>(port)}; // out %al, $port
        ASSERT_TRUE(os::set_special_registers(processor_.get(), special_));
        const bool open = port == kPortReturn || port == kPortLeave || port == kPortSystemCall;
        EXPECT_EQ(run_code(code), open ? port : kPortException + 13U) << port;
    }
}

TEST_F(SystemMemoryTest, PortsBeyondTheBitmapAreClosed)
{
    for (const unsigned port : {256U, 257U, 263U, 264U, 1000U, 65535U}) {
        const unsigned char code[] = {0x66, 0xba, static_cast<unsigned char>(port),
                                      static_cast<unsigned char>(port >> 8),
                                      0xee}; // mov, out %al, %dx
        ASSERT_TRUE(os::set_special_registers(processor_.get(), special_));
        EXPECT_EQ(run_code(code), kPortException + 13) << port;
    }
}

TEST_F(SystemMemoryTest, TellsWhereAFaultWas)
{
    const unsigned char code[] = {0x90, 0x0f, 0x0b}; // nop; ud2
    ASSERT_EQ(run_code(code), kPortException + 6);
    const ExceptionFrame frame = layout_->frame(6, run().s.regs.regs.rsp);
    EXPECT_EQ(frame.instruction, kCode + 1);
    EXPECT_EQ(frame.stack, kStack + kPage);
}

} // namespace
} // namespace cell::backend::vm
