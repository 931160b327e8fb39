// SPDX-License-Identifier: Apache-2.0
//
// Prints the system-call filter of a cell as C, once, when the project is built.
// Each rule has its reason; everything else traps, which the cell's handler
// reports to the host.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <unistd.h>

namespace {

void require(int result)
{
    if (result < 0) {
        std::fprintf(stderr, "make_filter: error %d\n", -result);
        std::exit(1);
    }
}

scmp_filter_ctx make()
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    if (!filter)
        require(-1);
    // 32-bit and x32 entries trap like everything else.
    require(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP));
    // The loop waits for a request and wakes the host: FUTEX_WAIT and FUTEX_WAKE
    // on shared words, with no bit set in either half of the register besides.
    require(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(futex), 1,
                             SCMP_A1(SCMP_CMP_MASKED_EQ, ~scmp_datum_t{1}, 0)));
    // Buffers of a call become visible by a change of protection, to none, read
    // or read and write. Never to executable.
    require(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, ~scmp_datum_t{3}, 0)));
    return filter;
}

void print(const sock_filter &line)
{
    std::printf("    {0x%04x, %u, %u, 0x%08xU}, \\\n", line.code, line.jt, line.jf, line.k);
}

// What libseccomp cannot say: only instructions of the helper's own program, which
// zygote.ld puts at 2^45, reach the rules. So the code of a module never makes a system
// call by chance of its number, however far from the others it is loaded.
void print_prologue()
{
    constexpr std::uint32_t kUpperHalf = 0x200000000000 >> 32;
    print(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, instruction_pointer) + 4));
    print(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kUpperHalf, 1, 0));
    print(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
}

} // namespace

int main()
{
    int ends[2];
    if (::pipe(ends) != 0)
        return 1;
    scmp_filter_ctx filter = make();
    require(seccomp_export_bpf(filter, ends[1]));
    seccomp_release(filter);
    ::close(ends[1]);
    std::printf("/* Made by make_filter.cpp. */\n#define SBM_FILTER_CODE \\\n");
    print_prologue();
    sock_filter line;
    while (::read(ends[0], &line, sizeof line) == static_cast<ssize_t>(sizeof line))
        print(line);
    std::printf("\n#define SBM_OPEN_FILTER_CODE \\\n");
    print_prologue();
    print(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    std::printf("\n");
    return 0;
}
