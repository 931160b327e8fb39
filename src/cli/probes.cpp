// SPDX-License-Identifier: Apache-2.0
//
// Assembler that uses the stack steps over the red zone first.
#include "probes.hpp"

#include <cstdlib>
#include <cstring>

// 256 times `int n; ret`, four bytes each.
__asm__(".pushsection .text\n"
        ".balign 16\n"
        ".globl sbm_interrupt_stubs\n"
        ".hidden sbm_interrupt_stubs\n"
        "sbm_interrupt_stubs:\n"
        ".set vector, 0\n"
        ".rept 256\n"
        ".byte 0xcd, vector, 0xc3, 0x90\n"
        ".set vector, vector + 1\n"
        ".endr\n"
        ".popsection\n");
extern "C" __attribute__((visibility("hidden"))) const char sbm_interrupt_stubs[];

namespace cli::probe {
namespace {

constexpr std::uint32_t kUserFlags = 0x202;
constexpr std::uint32_t kFullMask = 0xffffffff;

} // namespace

long echo(long value)
{
    return value + 1;
}

long read_byte(std::uint64_t address)
{
    return *reinterpret_cast<const volatile std::uint8_t *>(address);
}

long touch_byte(std::uint64_t address)
{
    __asm__ volatile("lock orb $0, (%0)" : : "r"(address) : "memory", "cc");
    return 0;
}

long write_byte(std::uint64_t address, int value)
{
    *reinterpret_cast<volatile std::uint8_t *>(address) = static_cast<std::uint8_t>(value);
    return 0;
}

long system_call(SystemCall call)
{
    register long r10 __asm__("r10") = call.arguments[3];
    register long r8 __asm__("r8") = call.arguments[4];
    register long r9 __asm__("r9") = call.arguments[5];
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(call.number), "D"(call.arguments[0]), "S"(call.arguments[1]),
                       "d"(call.arguments[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

long loop_system_call(SystemCall call)
{
    // `syscall; ret`, where guest/zygote/zygote.ld puts the loop.
    const auto *at = reinterpret_cast<const volatile std::uint8_t *>(0x200000000000);
    while (at[0] != 0x0f || at[1] != 0x05 || at[2] != 0xc3)
        at++;
    register long r10 __asm__("r10") = call.arguments[3];
    register long r8 __asm__("r8") = call.arguments[4];
    register long r9 __asm__("r9") = call.arguments[5];
    long result;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "call *%[at]\n\t"
                     "lea 128(%%rsp), %%rsp"
                     : "=a"(result)
                     : "a"(call.number), "D"(call.arguments[0]), "S"(call.arguments[1]),
                       "d"(call.arguments[2]), "r"(r10), "r"(r8), "r"(r9), [at] "b"(at)
                     : "rcx", "r11", "memory");
    return result;
}

long rewrite(std::uint64_t address, int value)
{
    constexpr long kMprotect = 10, kPage = 4096, kReadWrite = 3;
    const long result =
        loop_system_call({kMprotect, {static_cast<long>(address), kPage, kReadWrite}});
    return result < 0 ? result : write_byte(address, value);
}

long interrupt(long vector, long number)
{
    const char *stub = sbm_interrupt_stubs + 4 * (vector & 255);
    long result;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "call *%[stub]\n\t"
                     "lea 128(%%rsp), %%rsp"
                     : "=a"(result)
                     : "a"(number), [stub] "r"(stub), "b"(-1L), "c"(-1L), "d"(-1L), "S"(-1L),
                       "D"(-1L)
                     : "r8", "r9", "r10", "r11", "memory", "cc");
    return result;
}

long sysenter(long number)
{
    long result;
    __asm__ volatile("push %%rbp\n\t"
                     "mov %%rsp, %%rbp\n\t"
                     "sysenter\n\t"
                     "pop %%rbp"
                     : "=a"(result)
                     : "a"(number)
                     : "rcx", "rdx", "r11", "memory", "cc");
    return result;
}

long far_return(long selector)
{
    long result;
    __asm__ volatile("mov %%rsp, %%r12\n\t"
                     "lea -128(%%rsp), %%rsp\n\t"
                     "lea 1f(%%rip), %%rax\n\t"
                     "push %[selector]\n\t"
                     "push %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "mov %%r12, %%rsp\n\t"
                     "mov $39, %%eax\n\t" // getpid
                     "syscall"
                     : "=&a"(result)
                     : [selector] "r"(selector)
                     : "rcx", "r11", "r12", "memory", "cc");
    return result;
}

long call_address(std::uint64_t address)
{
    return reinterpret_cast<long (*)(long, long, long)>(address)(0, 0, 0);
}

long jump_to_system_call(std::uint64_t address, long number)
{
    long result;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "call *%[address]\n\t"
                     "lea 128(%%rsp), %%rsp"
                     : "=a"(result)
                     : "a"(number), [address] "r"(address), "D"(-1L), "S"(-1L), "d"(-1L)
                     : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
    return result;
}

std::uint64_t find_system_call(std::uint64_t start, std::uint64_t size)
{
    const auto *bytes = reinterpret_cast<const volatile std::uint8_t *>(start);
    for (std::uint64_t i = 0; i + 1 < size; i++)
        if (bytes[i] == 0x0f && bytes[i + 1] == 0x05)
            return start + i;
    return 0;
}

std::uint64_t runtime_address()
{
    return reinterpret_cast<std::uint64_t>(&std::malloc);
}

long port_read(long port, long size)
{
    const auto at = static_cast<std::uint16_t>(port);
    if (size == 1)
        __asm__ volatile("in %%dx, %%al" : : "a"(kPortLeft), "d"(at));
    else if (size == 2)
        __asm__ volatile("in %%dx, %%ax" : : "a"(kPortLeft), "d"(at));
    else
        __asm__ volatile("in %%dx, %%eax" : : "a"(kPortLeft), "d"(at));
    return kPortReached;
}

long port_write(long port)
{
    __asm__ volatile("out %%al, %%dx" : : "a"(kPortLeft), "d"(static_cast<std::uint16_t>(port)));
    return kPortReached;
}

long read_model_register(long index)
{
    std::uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(static_cast<std::uint32_t>(index)));
    return low;
}

long privileged(Instruction instruction)
{
    long value = 0;
    switch (instruction) {
    case Instruction::hlt:
        __asm__ volatile("hlt");
        break;
    case Instruction::cli:
        __asm__ volatile("cli\n\tsti");
        break;
    case Instruction::clts:
        __asm__ volatile("clts");
        break;
    case Instruction::wbinvd:
        __asm__ volatile("wbinvd");
        break;
    case Instruction::read_cr0:
        __asm__ volatile("mov %%cr0, %0" : "=r"(value));
        break;
    case Instruction::read_cr2:
        __asm__ volatile("mov %%cr2, %0" : "=r"(value));
        break;
    case Instruction::read_cr3:
        __asm__ volatile("mov %%cr3, %0" : "=r"(value));
        break;
    case Instruction::read_cr4:
        __asm__ volatile("mov %%cr4, %0" : "=r"(value));
        break;
    case Instruction::read_cr8:
        __asm__ volatile("mov %%cr8, %0" : "=r"(value));
        break;
    case Instruction::read_dr0:
        __asm__ volatile("mov %%db0, %0" : "=r"(value));
        break;
    case Instruction::read_dr7:
        __asm__ volatile("mov %%db7, %0" : "=r"(value));
        break;
    case Instruction::invlpg:
        __asm__ volatile("invlpg (%0)" : : "r"(&value) : "memory");
        break;
    case Instruction::rdpmc:
        __asm__ volatile("rdpmc" : "=a"(value) : "c"(0) : "rdx");
        break;
    case Instruction::lldt:
        __asm__ volatile("lldt %w0" : : "r"(0));
        break;
    case Instruction::ltr:
        __asm__ volatile("ltr %w0" : : "r"(0x40));
        break;
    case Instruction::monitor:
        __asm__ volatile("monitor" : : "a"(&value), "c"(0), "d"(0));
        break;
    case Instruction::iret_to_ring_0:
        __asm__ volatile("mov %%rsp, %%r12\n\t"
                         "lea -128(%%rsp), %%rsp\n\t"
                         "pushq $0x10\n\t" // a stack segment of ring 0
                         "push %%r12\n\t"
                         "push %[flags]\n\t"
                         "pushq $0x08\n\t" // a code segment of ring 0
                         "lea 1f(%%rip), %%rax\n\t"
                         "push %%rax\n\t"
                         "iretq\n"
                         "1:\n\t"
                         "mov %%r12, %%rsp"
                         :
                         : [flags] "r"(std::uint64_t{kUserFlags})
                         : "rax", "r12", "memory", "cc");
        break;
    case Instruction::sysret:
        __asm__ volatile("lea 1f(%%rip), %%rcx\n\t"
                         "mov $0x202, %%r11d\n\t"
                         "sysretq\n"
                         "1:"
                         :
                         :
                         : "rcx", "r11", "memory", "cc");
        break;
    case Instruction::count:
        break;
    }
    return value;
}

std::uint64_t read_clock()
{
    std::uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return std::uint64_t{high} << 32 | low;
}

std::uint64_t read_extended_control()
{
    std::uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return std::uint64_t{high} << 32 | low;
}

long hypercall_intel(long number)
{
    long result;
    __asm__ volatile("vmcall"
                     : "=a"(result)
                     : "a"(number), "b"(0), "c"(0), "d"(0), "S"(0)
                     : "memory");
    return result;
}

long hypercall_amd(long number)
{
    long result;
    __asm__ volatile("vmmcall"
                     : "=a"(result)
                     : "a"(number), "b"(0), "c"(0), "d"(0), "S"(0)
                     : "memory");
    return result;
}

std::uint64_t read_table(Table table)
{
    struct [[gnu::packed]] Pointer {
        std::uint16_t limit;
        std::uint64_t base;
    } pointer{};
    std::uint64_t value = 0;
    switch (table) {
    case Table::gdt:
        __asm__ volatile("sgdt %0" : "=m"(pointer));
        return pointer.base;
    case Table::idt:
        __asm__ volatile("sidt %0" : "=m"(pointer));
        return pointer.base;
    case Table::ldt:
        __asm__ volatile("sldt %q0" : "+r"(value));
        break;
    case Table::task:
        __asm__ volatile("str %q0" : "+r"(value));
        break;
    case Table::machine_status:
        __asm__ volatile("smsw %q0" : "+r"(value));
        break;
    }
    return value;
}

Cpuid cpuid(std::uint32_t leaf, std::uint32_t subleaf)
{
    Cpuid r;
    __asm__ volatile("cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

long misaligned_read()
{
    alignas(8) const char bytes[16] = {};
    long value;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "pushf\n\t"
                     "orl $0x40000, (%%rsp)\n\t"
                     "popf\n\t"
                     "mov 1(%1), %0\n\t"
                     "pushf\n\t"
                     "andl $0xfffbffff, (%%rsp)\n\t"
                     "popf\n\t"
                     "lea 128(%%rsp), %%rsp"
                     : "=&r"(value)
                     : "r"(bytes)
                     : "memory", "cc");
    return value;
}

void read_registers(sbm::Out<Registers> registers)
{
    Registers &out = *registers;
    __asm__ volatile("xsave64 (%0)"
                     :
                     : "r"(out.extended.data()), "a"(kFullMask), "d"(kFullMask)
                     : "memory");
    __asm__ volatile("rdfsbase %0" : "=r"(out.fs_base));
    __asm__ volatile("rdgsbase %0" : "=r"(out.gs_base));
}

void dirty_registers(std::uint64_t extended_control)
{
    constexpr std::uint64_t kAvx = 4, kAvx512 = 0xe0, kProtectionKeys = 0x200;
    const std::uint64_t pattern = 0x5a5a5a5a5a5a5a5a;
    if (extended_control & kProtectionKeys)
        __asm__ volatile("wrpkru" : : "a"(0x55555550), "c"(0), "d"(0)); // key 0 stays usable
    __asm__ volatile("wrgsbase %0" : : "r"(pattern >> 20));
    if ((extended_control & kAvx512) == kAvx512)
        __asm__ volatile("vpbroadcastq %0, %%zmm20\n\tkmovw %k0, %%k3" : : "r"(pattern));
    if (extended_control & kAvx)
        __asm__ volatile("vmovq %0, %%xmm7\n\tvpbroadcastq %%xmm7, %%ymm7" : : "r"(pattern));
    __asm__ volatile("movq %0, %%xmm9\n\t"
                     "wrfsbase %1\n\t" // from here on no thread-local variable
                     "ud2"
                     :
                     : "r"(pattern), "r"(pattern >> 20));
}

} // namespace cli::probe
