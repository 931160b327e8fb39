// SPDX-License-Identifier: Apache-2.0
//
// <sbm/types.h>: names, and what this machine offers.
#include "call/cell.hpp"

#include <sbm/proxy.h>
#include <sbm/types.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <string_view>

namespace {

constexpr std::string_view kLevels[] = {"strongest", "none", "weak", "process", "vm"};
constexpr const char *kKinds[] = {"?",
                                  "memory",
                                  "stack",
                                  "protection",
                                  "instruction",
                                  "arithmetic",
                                  "alignment",
                                  "trap",
                                  "system call",
                                  "import",
                                  "abort",
                                  "host call",
                                  "buffer underrun",
                                  "cpu time",
                                  "wall time",
                                  "cancelled",
                                  "killed"};
static_assert(std::size(kKinds) == SBM_FAULT_KILLED + 1);

// Also for what a C program may put into the enumeration.
bool is_level(sbm_level level)
{
    const int number = static_cast<int>(level);
    return number >= SBM_LEVEL_STRONGEST && number <= SBM_LEVEL_VM;
}

const char *tell(const cell::Error &error, char *reason, std::size_t size)
{
    if (!reason || size == 0)
        return "";
    std::strncpy(reason, error.text(), size - 1);
    reason[size - 1] = '\0';
    return reason;
}

} // namespace

extern "C" {

const char *sbm_level_name(enum sbm_level level)
{
    return is_level(level) ? kLevels[level].data() : "?";
}

int sbm_level_from_name(const char *name, enum sbm_level *level)
{
    for (std::size_t i = 0; i < std::size(kLevels); i++) {
        if (name && kLevels[i] == name) {
            *level = static_cast<sbm_level>(i);
            return 0;
        }
    }
    return -EINVAL;
}

const char *sbm_level_missing(enum sbm_level level, char *reason, size_t size)
{
    if (level == SBM_LEVEL_PROCESS || level == SBM_LEVEL_VM) {
        const auto usable = cell::without_throwing([level]() -> cell::Result<void> {
            CELL_TRY(const auto host, cell::call::find_host(level));
            CELL_TRY(const auto backend, host->open());
            return {};
        });
        return usable ? nullptr : tell(usable.error(), reason, size);
    }
    if (!is_level(level))
        return tell(cell::error(cell::Errc::misuse, "there is no such level"), reason, size);
    return nullptr;
}

const char *sbm_fault_kind_name(enum sbm_fault_kind kind)
{
    return kind >= SBM_FAULT_MEMORY && kind <= SBM_FAULT_KILLED ? kKinds[kind] : "?";
}

const char *sbm_version(void)
{
    return SBM_VERSION;
}

// In the host; in a cell the runtime's function of that name takes its place.
long sbm_proxy_call(const struct sbm_proxy *proxy, void *arguments)
{
    return proxy->enter(arguments);
}

} // extern "C"
