// SPDX-License-Identifier: Apache-2.0
//
// An app that attacks what answers its calls: `attack_app NAME [ARGUMENT]`. Its status is 0 if
// everything was refused that has to be, and the twins beside it were not.
#include "attack_app.hpp"

#include <map>

namespace attack {
namespace {

int failed = 0;

const char *name_of(Status status)
{
    constexpr const char *kNames[] = {"ok",       "denied",       "not_found",    "exists",
                                      "invalid",  "wrong_region", "out_of_range", "wrong_handle",
                                      "no_right", "quota",        "no_space",     "no_memory",
                                      "failed",   "would_wait",   "unreachable"};
    const auto number = static_cast<std::size_t>(status);
    return number < std::size(kNames) ? kNames[number] : "an unknown status";
}

} // namespace

const Memory &room()
{
    static const Memory memory = acquire(kRoom);
    return memory;
}

std::string printable(std::string_view text)
{
    std::string result;
    for (const char c : text)
        if (c >= 0x20 && c < 0x7f)
            result += c;
        else
            result += "\\" + std::to_string(static_cast<unsigned char>(c));
    return result.size() > 100 ? result.substr(0, 100) + "..." : result;
}

void expect(bool holds, const std::string &what)
{
    constexpr int kMost = 30;
    if (!holds && failed++ < kMost)
        std::fprintf(stderr, "%s\n", printable(what).c_str());
}

void expect(Status got, Status wanted, const std::string &what)
{
    if (got != wanted)
        expect(false, std::string(name_of(got)) + " and not " + name_of(wanted) + ": " + what);
}

void expect_one_of(Status got, std::initializer_list<Status> wanted, const std::string &what)
{
    for (const Status one : wanted)
        if (got == one)
            return;
    expect(false, std::string(name_of(got)) + ": " + what);
}

int failures()
{
    return failed;
}

} // namespace attack

int main(int count, char **arguments)
{
    static const std::map<std::string, void (*)(const std::string &)> kAttacks = {
        {"paths", attack::paths},
        {"links", attack::links},
        {"swaps", attack::swaps},
        {"rights", attack::rights},
        {"offsets", attack::offsets},
        {"handles", attack::handles},
        {"many_handles", attack::many_handles},
        {"corners", attack::corners},
        {"regions", attack::regions},
        {"leftovers", attack::leftovers},
        {"flood", attack::flood},
        {"names", attack::names},
        {"answers", attack::answers},
        {"twice", attack::twice},
        {"elsewhere", attack::elsewhere},
        {"waits", attack::waits},
        {"mailbox", attack::mailbox},
        {"linux_calls", attack::linux_calls},
        {"fill", attack::fill},
        {"folder_goes", attack::folder_goes},
        {"short", attack::short_run},
        {"frames", attack::frames},
    };
    const auto attack = count > 1 ? kAttacks.find(arguments[1]) : kAttacks.end();
    if (attack == kAttacks.end())
        return 2;
    attack->second(count > 2 ? arguments[2] : "");
    return attack::failures() == 0 ? 0 : 1;
}
