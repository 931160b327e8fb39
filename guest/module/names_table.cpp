// SPDX-License-Identifier: Apache-2.0
#include "names.hpp"

namespace sbm::personality {
namespace {

constexpr std::size_t kNames = 256;
constexpr std::uint32_t kFirstAddress = 0xf0000001;
char names[kNames][kHostName];

bool equal(const char *a, const char *b)
{
    for (; *a == *b; a++, b++)
        if (*a == '\0')
            return true;
    return false;
}

} // namespace

std::uint32_t address_for(const char *name)
{
    if (*name == '\0') // no name, and a free place looks like it
        return 0;
    for (std::size_t i = 0; i < kNames; i++) {
        if (names[i][0] == '\0') {
            std::size_t size = 0;
            while (name[size] != '\0')
                if (++size == kHostName)
                    return 0;
            for (std::size_t at = 0; at <= size; at++)
                names[i][at] = name[at];
        }
        if (equal(names[i], name))
            return kFirstAddress + static_cast<std::uint32_t>(i);
    }
    return 0;
}

const char *name_for(std::uint32_t address)
{
    const std::uint32_t at = address - kFirstAddress;
    return at < kNames && names[at][0] != '\0' ? names[at] : nullptr;
}

} // namespace sbm::personality
