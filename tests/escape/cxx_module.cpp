// SPDX-License-Identifier: Apache-2.0
//
// Hostile code behind the interface in C++: lies about results, and about what a module
// asks the host.
#include "lies.hpp"

#include <sbm/guest/module.hpp>

extern "C" {
int attack_host_call(std::uint64_t proxy, std::uint64_t arguments);
int attack_race_with(std::uint64_t proxy, int rounds);
extern struct sbm_mailbox *__sbm_mailbox;
}

SBM_EXPORT(lie_about_length);
SBM_EXPORT(lie_in_header);
SBM_EXPORT(write_around);

// Copies as much as there is room for; the value and one.
SBM_IMPORT(echo, long(sbm::In<char>, sbm::Out<char>, long));
// Reads its bytes several times.
SBM_IMPORT(watch, void(sbm::In<std::uint8_t>));

namespace {

const char constants[64] = "constants of the module";
char bytes_to_write[1024] = "bytes";

} // namespace

long ask_echo(std::uint64_t data, std::uint64_t size, std::uint64_t copy, std::uint64_t copy_size)
{
    return echo({reinterpret_cast<const char *>(data), size},
                {reinterpret_cast<char *>(copy), copy_size}, 41);
}
SBM_EXPORT(ask_echo);

void ask_for_ever()
{
    while (echo({}, {}, 1) != -1) {
    }
}
SBM_EXPORT(ask_for_ever);

// The record of any import, with arguments anywhere.
int ask(std::uint64_t record, std::uint64_t arguments)
{
    return attack_host_call(record, arguments);
}
SBM_EXPORT(ask);

int race(int rounds)
{
    return attack_race_with(reinterpret_cast<std::uint64_t>(&__sbm_import_watch), rounds);
}
SBM_EXPORT(race);

std::uint64_t record_of_echo()
{
    return reinterpret_cast<std::uint64_t>(&__sbm_import_echo);
}
SBM_EXPORT(record_of_echo);

std::uint64_t address_of_mailbox()
{
    return reinterpret_cast<std::uint64_t>(__sbm_mailbox);
}
SBM_EXPORT(address_of_mailbox);

std::uint64_t address_of_constants()
{
    return reinterpret_cast<std::uint64_t>(constants);
}
SBM_EXPORT(address_of_constants);

std::uint64_t address_of_bytes()
{
    std::memset(bytes_to_write, 0xfe, sizeof bytes_to_write);
    return reinterpret_cast<std::uint64_t>(bytes_to_write);
}
SBM_EXPORT(address_of_bytes);

int honest(int value)
{
    return value + 1;
}
SBM_EXPORT(honest);
