// SPDX-License-Identifier: Apache-2.0
//
// Names of the numbers in a policy. See names.hpp.
#include "names.hpp"

#include <charconv>

namespace apparmor_policy {

namespace {

#define ERROR_NAME(error, text) #error,
#define ERROR_TEXT(error, text) text,
constexpr const char *kErrorNames[] = {"OK", POLICY_ERRORS(ERROR_NAME)};
constexpr const char *kErrorTexts[] = {"no error", POLICY_ERRORS(ERROR_TEXT)};
#undef ERROR_NAME
#undef ERROR_TEXT

// By bit: capabilities(7).
constexpr const char *kCapabilities[] = {"chown",
                                         "dac_override",
                                         "dac_read_search",
                                         "fowner",
                                         "fsetid",
                                         "kill",
                                         "setgid",
                                         "setuid",
                                         "setpcap",
                                         "linux_immutable",
                                         "net_bind_service",
                                         "net_broadcast",
                                         "net_admin",
                                         "net_raw",
                                         "ipc_lock",
                                         "ipc_owner",
                                         "sys_module",
                                         "sys_rawio",
                                         "sys_chroot",
                                         "sys_ptrace",
                                         "sys_pacct",
                                         "sys_admin",
                                         "sys_boot",
                                         "sys_nice",
                                         "sys_resource",
                                         "sys_time",
                                         "sys_tty_config",
                                         "mknod",
                                         "lease",
                                         "audit_write",
                                         "audit_control",
                                         "setfcap",
                                         "mac_override",
                                         "mac_admin",
                                         "syslog",
                                         "wake_alarm",
                                         "block_suspend",
                                         "audit_read",
                                         "perfmon",
                                         "bpf",
                                         "checkpoint_restore"};

// In the order of the array in a policy, which is that of getrlimit(2) on x86.
constexpr const char *kRlimits[POLICY_RLIMITS_MAX] = {
    "cpu",     "fsize", "data",  "stack",      "core",     "rss",  "nproc",  "nofile",
    "memlock", "as",    "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"};

constexpr const char *kModes[POLICY_MODE_COUNT] = {"enforce", "complain", "kill", "unconfined",
                                                   "user"};

} // namespace

const char *error_name(std::uint32_t error)
{
    return error < POLICY_ERROR_COUNT ? kErrorNames[error] : "?";
}

const char *error_text(std::uint32_t error)
{
    return error < POLICY_ERROR_COUNT ? kErrorTexts[error] : "?";
}

std::string mode_name(policy_mode mode)
{
    return mode < POLICY_MODE_COUNT ? kModes[mode] : "?";
}

std::vector<std::string> capability_names(std::uint64_t mask)
{
    std::vector<std::string> names;
    for (std::size_t bit = 0; bit < 64; bit++) {
        if ((mask >> bit & 1) == 0)
            continue;
        names.push_back(bit < std::size(kCapabilities) ? kCapabilities[bit]
                                                       : "capability " + std::to_string(bit));
    }
    return names;
}

std::vector<std::string> flag_names(std::uint32_t flags)
{
    std::vector<std::string> names;
    constexpr std::pair<std::uint32_t, const char *> kFlags[] = {
        {POLICY_FLAG_HAT, "hat"}, {POLICY_FLAG_DEBUG1, "debug1"}, {POLICY_FLAG_DEBUG2, "debug2"}};
    for (const auto &[bit, name] : kFlags) {
        if ((flags & bit) != 0)
            names.emplace_back(name);
        flags &= ~bit;
    }
    if (flags != 0)
        names.push_back(hexadecimal(flags));
    return names;
}

std::string rlimit_name(std::uint32_t resource)
{
    return resource < POLICY_RLIMITS_MAX ? kRlimits[resource] : "?";
}

std::string printable(std::string_view text)
{
    std::string safe;
    for (const char character : text) {
        const auto octet = static_cast<unsigned char>(character);
        if (octet >= 0x20 && octet < 0x7f) {
            safe += character;
        } else {
            constexpr char kDigits[] = "0123456789abcdef";
            safe += "\\x";
            safe += kDigits[octet >> 4];
            safe += kDigits[octet & 0xf];
        }
    }
    return safe;
}

std::string hexadecimal(std::uint64_t number)
{
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
    return "0x" + std::string(digits.data(), end);
}

} // namespace apparmor_policy
