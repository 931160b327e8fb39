// SPDX-License-Identifier: Apache-2.0
//
// What a module may expect of its C and C++ libraries, a function a question. Each gives
// 0 if all is as in any program, else where it is not.
#include <sbm/guest/module.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <map>
#include <numeric>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

struct Counted {
    Counted() : numbers(100) { std::iota(numbers.begin(), numbers.end(), 1); }
    std::vector<int> numbers;
};
Counted constructed; // before the first call
thread_local int per_thread = 17;
thread_local std::string per_thread_text = "a thread's own text, longer than fits inside";
int calls = 0;

// Deep enough for the unwinder to have work.
[[gnu::noinline]] int throw_from(int depth)
{
    std::string guard(static_cast<std::size_t>(depth) + 1, 'x');
    if (depth == 0)
        throw std::range_error("from below");
    return throw_from(depth - 1) + static_cast<int>(guard.size());
}

} // namespace

int constructors()
{
    const int sum = std::accumulate(constructed.numbers.begin(), constructed.numbers.end(), 0);
    return sum == 5050 ? 0 : sum;
}
SBM_EXPORT(constructors);

// How often this was called since the start or the last reset.
int count_calls()
{
    return ++calls;
}
SBM_EXPORT(count_calls);

int thread_locals()
{
    if (per_thread != 17 || per_thread_text.size() != 44)
        return 1;
    per_thread++;
    if (per_thread != 18)
        return 2;
    per_thread = 17;
    return 0;
}
SBM_EXPORT(thread_locals);

int exceptions()
{
    try {
        throw_from(20);
        return 1;
    } catch (const std::runtime_error &thrown) {
        return thrown.what() == std::string("from below") ? 0 : 2;
    }
}
SBM_EXPORT(exceptions);

int throw_standard(int which)
{
    switch (which) {
    case 0:
        throw std::out_of_range("index 7 of 3");
    case 1:
        throw std::bad_alloc();
    case 2:
        throw 42;
    default:
        return which;
    }
}
SBM_EXPORT(throw_standard);

int streams()
{
    std::ostringstream text;
    text << "pi is " << 3.25 << " and " << std::hex << 255;
    if (text.str() != "pi is 3.25 and ff")
        return 1;
    std::istringstream in("12 -7");
    int a = 0, b = 0;
    in >> a >> b;
    if (a != 12 || b != -7)
        return 2;
    std::cerr << "to the log: " << a << '\n';
    std::printf("through stdio\n");
    std::fflush(stdout);
    return 0;
}
SBM_EXPORT(streams);

int containers()
{
    std::map<std::string, std::vector<int>> map;
    for (int i = 0; i < 1000; i++)
        map["key " + std::to_string(i % 37)].push_back(i);
    std::size_t total = 0;
    for (const auto &[key, values] : map)
        total += values.size();
    return total == 1000 && map.size() == 37 ? 0 : 1;
}
SBM_EXPORT(containers);

// Blocks that malloc takes from the break and by mapping, grown, freed and used again.
int memory(std::uint64_t bytes)
{
    for (int round = 0; round < 4; round++) {
        auto *block = static_cast<unsigned char *>(std::malloc(bytes));
        if (!block)
            return 1;
        std::memset(block, round + 1, bytes);
        block = static_cast<unsigned char *>(std::realloc(block, 2 * bytes));
        if (!block || block[bytes - 1] != round + 1)
            return 2;
        std::free(block);
        auto *zero = static_cast<unsigned char *>(std::calloc(1, bytes));
        if (!zero || std::any_of(zero, zero + bytes, [](unsigned char c) { return c != 0; }))
            return 3;
        std::free(zero);
    }
    return 0;
}
SBM_EXPORT(memory);

int mappings()
{
    constexpr std::size_t kSize = 1 << 20;
    const int both = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
    auto *map = static_cast<unsigned char *>(mmap(nullptr, kSize, both, flags, -1, 0));
    if (map == MAP_FAILED)
        return 1;
    std::memset(map, 0xee, kSize);
    if (munmap(map + kSize / 2, kSize / 2) != 0)
        return 2;
    auto *again = static_cast<unsigned char *>(mmap(nullptr, kSize / 2, both, flags, -1, 0));
    if (again == MAP_FAILED || std::any_of(again, again + kSize / 2, [](auto c) { return c; }))
        return 3; // used memory must come back zero
    auto *larger = static_cast<unsigned char *>(mremap(map, kSize / 2, 4 * kSize, MREMAP_MAYMOVE));
    if (larger == MAP_FAILED || larger[0] != 0xee || larger[kSize / 2 - 1] != 0xee ||
        larger[kSize / 2] != 0 || larger[4 * kSize - 1] != 0)
        return 4;
    if (mmap(nullptr, kSize, PROT_READ | PROT_EXEC, flags, -1, 0) != MAP_FAILED || errno != EPERM)
        return 5;
    if (mprotect(larger, kSize, PROT_READ | PROT_EXEC) == 0)
        return 6;
    if (mmap(nullptr, std::size_t{1} << 40, both, flags, -1, 0) != MAP_FAILED || errno != ENOMEM)
        return 7;
    return munmap(larger, 4 * kSize) == 0 && munmap(again, kSize / 2) == 0 ? 0 : 8;
}
SBM_EXPORT(mappings);

int numbers()
{
    volatile long double third = 1.0L / 3;
    char text[64];
    std::snprintf(text, sizeof text, "%.18Lf %.3f %a", third, 2.5, 1.0);
    if (std::string(text) != "0.333333333333333333 2.500 0x1p+0")
        return 1;
    volatile double two = 2;
    if (std::abs(std::sqrt(two) * std::sqrt(two) - 2) > 1e-12 ||
        std::abs(std::exp(std::log(two)) - 2) > 1e-12)
        return 2;
    return std::strtold("1e4000", nullptr) > 1e300L ? 0 : 3;
}
SBM_EXPORT(numbers);

// Long enough for the C library's vector code, at every alignment.
int vectors()
{
    std::vector<char> from(70000), to(70000);
    std::iota(from.begin(), from.end(), 0);
    for (std::size_t shift = 0; shift < 64; shift++) {
        const std::size_t size = 60000 + shift;
        std::memcpy(to.data() + 64 - shift, from.data() + shift, size);
        if (std::memcmp(to.data() + 64 - shift, from.data() + shift, size) != 0)
            return 1;
    }
    std::string text(5000, 'a');
    text += 'b';
    return std::strlen(text.c_str()) == 5001 && std::strchr(text.c_str(), 'b') ? 0 : 2;
}
SBM_EXPORT(vectors);

std::int64_t unix_time()
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}
SBM_EXPORT(unix_time);

// How long a sleep of so many nanoseconds took, by the module's own clock.
std::int64_t sleep_for(std::int64_t nanoseconds)
{
    const auto begin = std::chrono::steady_clock::now();
    const timespec time{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
    nanosleep(&time, nullptr);
    return std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count();
}
SBM_EXPORT(sleep_for);

std::uint64_t random_number()
{
    std::uint64_t value = 0;
    return getrandom(&value, sizeof value, 0) == sizeof value ? value : 0;
}
SBM_EXPORT(random_number);

// The stack protector's secret.
std::uint64_t stack_guard()
{
    std::uint64_t value;
    __asm__("mov %%fs:0x28, %0" : "=r"(value));
    return value;
}
SBM_EXPORT(stack_guard);

// What a cell does not have. The errno of each, one a byte.
std::uint64_t refused()
{
    std::uint64_t errors = 0;
    const auto add = [&](long result) {
        errors = errors << 8 | static_cast<unsigned char>(result < 0 ? errno : 0);
    };
    add(open("/etc/passwd", O_RDONLY));
    add(socket(AF_INET, SOCK_STREAM, 0));
    add(socket(AF_INET, SOCK_STREAM, 0));
    add(fork());
    return errors;
}
SBM_EXPORT(refused);

int write_log(std::uint64_t bytes)
{
    const std::string line(bytes, 'l');
    return write(2, line.data(), line.size()) == static_cast<ssize_t>(bytes) ? 0 : 1;
}
SBM_EXPORT(write_log);

void end(int how)
{
    if (how == 0)
        std::abort();
    if (how == 1)
        std::exit(7);
    if (how == 2)
        std::terminate();
    if (how == 3)
        __asm__ volatile("movl $1, 0x10");
    if (how == 4)
        for (;;)
            __asm__ volatile("");
}
SBM_EXPORT(end);

// Puts values into registers and flags that a system call must keep, and makes one.
std::uint64_t call_keeps_registers()
{
    std::uint64_t differences;
    __asm__ volatile("std\n"
                     "mov $39, %%eax\n" // getpid
                     "mov $0x1111, %%edi; mov $0x2222, %%esi; mov $0x3333, %%edx\n"
                     "mov $0x4444, %%r8d; mov $0x5555, %%r9d; mov $0x6666, %%r10d\n"
                     "movq $0x77, -8(%%rsp)\n" // in the red zone
                     "movq %%rsp, %%xmm7; movq %%rsp, %%xmm9\n"
                     "syscall\n"
                     "pushf; pop %%rcx; cld; and $0x400, %%ecx; xor $0x400, %%ecx\n"
                     "xor $0x1111, %%edi; xor $0x2222, %%esi; xor $0x3333, %%edx\n"
                     "xor $0x4444, %%r8d; xor $0x5555, %%r9d; xor $0x6666, %%r10d\n"
                     "or %%edi, %%ecx; or %%esi, %%ecx; or %%edx, %%ecx\n"
                     "or %%r8d, %%ecx; or %%r9d, %%ecx; or %%r10d, %%ecx\n"
                     "xor $1, %%eax; or %%eax, %%ecx\n" // the one process
                     "movq %%xmm7, %%rax; xor %%rsp, %%rax; or %%rax, %%rcx\n"
                     "movq %%xmm9, %%rax; xor %%rsp, %%rax; or %%rax, %%rcx\n"
                     "mov %%rcx, %0\n"
                     : "=r"(differences)
                     :
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm7", "xmm9",
                       "memory", "cc");
    return differences;
}
SBM_EXPORT(call_keeps_registers);

// What the host gives.
SBM_IMPORT(add, std::int64_t(std::int32_t, double));
SBM_IMPORT(transform, int(sbm::In<char> from, sbm::Out<char> to, sbm::InOut<std::uint32_t> both));
SBM_IMPORT(never_provided, void());

std::int64_t ask_host(std::int32_t number)
{
    std::uint32_t both[3] = {1, 2, 3};
    char text[8] = {};
    const int result = transform({"abc", 3}, {text, 4}, {both, 3});
    if (std::string(text) != "ABC" || both[2] != 30)
        return -1;
    return add(number, 0.5) + result;
}
SBM_EXPORT(ask_host);

void ask_in_vain()
{
    never_provided();
}
SBM_EXPORT(ask_in_vain);

// Views that a host must not believe.
int lie_to_host(int how)
{
    char own[4] = {};
    const auto *nowhere = reinterpret_cast<char *>(std::uintptr_t{0x10});
    switch (how) {
    case 0:
        return transform({nowhere, 4}, {own, 4}, {});
    case 1:
        return transform({own, SIZE_MAX}, {own, 4}, {});
    case 2:
        return transform({own, 4}, {const_cast<char *>("constant"), 4}, {});
    case 3:
        return transform({own, 4}, {own, 4}, {nullptr, SIZE_MAX / 4 + 2});
    default:
        return transform({own, 0}, {own, 0}, {nullptr, 0});
    }
}
SBM_EXPORT(lie_to_host);

struct Pair {
    std::int32_t first;
    char second;
    double weights[3];
};

// Structures, buffers both ways, and a result that fits no register.
Pair reverse(sbm::In<std::byte> in, sbm::Out<std::byte> out, sbm::InOut<Pair> pairs, double weight)
{
    for (std::size_t i = 0; i < in.size() && i < out.size(); i++)
        out[i] = in[in.size() - 1 - i];
    for (Pair &pair : pairs)
        pair.first += static_cast<std::int32_t>(in.size());
    return {static_cast<std::int32_t>(pairs.size()), 'x', {weight, 2 * weight, 3 * weight}};
}
SBM_EXPORT(reverse);
