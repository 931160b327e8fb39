// SPDX-License-Identifier: Apache-2.0
//
// Prints the system-call filters of one kind of process as C, once, when the project is
// built: with all rules of its table, and then without each of them.
//
//     sbm_make_filter cell|runner
#include "abi/filters.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

using sbm::filters::Condition;
using sbm::filters::Rule;

struct Kind {
    std::span<const Rule> rules;
    std::uint32_t otherwise; // for everything else; 32-bit and x32 entries are that too
    bool one_place;          // only from the helper's own program
};

constexpr Kind kCell = {sbm::filters::kCell, SCMP_ACT_TRAP, true};
constexpr Kind kRunner = {sbm::filters::kRunner, SCMP_ACT_KILL_PROCESS, false};

void require(int result)
{
    if (result < 0) {
        std::fprintf(stderr, "make_filter: error %d\n", -result);
        std::exit(1);
    }
}

void allow(scmp_filter_ctx filter, const Rule &rule)
{
    std::vector<scmp_arg_cmp> conditions;
    for (const Condition &condition : rule.all_of())
        conditions.push_back(
            {condition.argument, SCMP_CMP_MASKED_EQ, condition.mask, condition.value});
    require(seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rule.call,
                                   static_cast<unsigned>(conditions.size()), conditions.data()));
}

// The rules but one: that with the number `left_out` less one.
std::vector<sock_filter> make(const Kind &kind, std::size_t left_out)
{
    scmp_filter_ctx filter = seccomp_init(kind.otherwise);
    if (!filter)
        require(-1);
    require(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, kind.otherwise));
    for (std::size_t i = 0; i < kind.rules.size(); i++)
        if (i + 1 != left_out)
            allow(filter, kind.rules[i]);
    int ends[2];
    require(::pipe(ends));
    require(seccomp_export_bpf(filter, ends[1]));
    seccomp_release(filter);
    ::close(ends[1]);
    std::vector<sock_filter> code;
    sock_filter line;
    while (::read(ends[0], &line, sizeof line) == static_cast<ssize_t>(sizeof line))
        code.push_back(line);
    ::close(ends[0]);
    return code;
}

void print(const char *name, const std::vector<sock_filter> &code)
{
    std::printf("static const struct sock_filter %s[] = {\n", name);
    for (const sock_filter &line : code)
        std::printf("    {0x%04x, %u, %u, 0x%08xU},\n", line.code, line.jt, line.jf, line.k);
    std::printf("};\n");
}

// What libseccomp cannot say: only instructions of the helper's own program, which
// zygote.ld puts at 2^45, reach the rules. So the code of a module never makes a system
// call by chance of its number, however far from the others it is loaded.
void add_prologue(std::vector<sock_filter> &code)
{
    constexpr std::uint32_t kUpperHalf = 0x200000000000 >> 32;
    const sock_filter prologue[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kUpperHalf, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    code.insert(code.begin(), std::begin(prologue), std::end(prologue));
}

} // namespace

int main(int count, char **arguments)
{
    const std::string_view name = count == 2 ? arguments[1] : "";
    if (name != "cell" && name != "runner")
        return 2;
    const Kind &kind = name == "cell" ? kCell : kRunner;
    std::vector<sock_filter> all;
    std::vector<std::pair<std::size_t, std::size_t>> places;
    for (std::size_t left_out = 0; left_out <= kind.rules.size(); left_out++) {
        std::vector<sock_filter> code = make(kind, left_out);
        if (kind.one_place)
            add_prologue(code);
        places.emplace_back(all.size(), code.size());
        all.insert(all.end(), code.begin(), code.end());
    }
    std::printf("/* Made by make_filter.cpp. */\n#include <linux/filter.h>\n");
    print("filter_code", all);
    if (kind.one_place) { // for a cell without walls, too
        std::vector<sock_filter> open = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
        add_prologue(open);
        print("open_filter_code", open);
    }
    std::printf("/* With all rules, and without the first, the second and so on. */\n"
                "static const struct filter_place { unsigned short first, count; } "
                "filter_places[] = {\n");
    for (const auto &[first, size] : places)
        std::printf("    {%zu, %zu},\n", first, size);
    std::printf("};\n#define FILTERS (sizeof filter_places / sizeof *filter_places)\n");
    return 0;
}
