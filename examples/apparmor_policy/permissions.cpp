// SPDX-License-Identifier: Apache-2.0
//
// Maps permissions of both styles to one set of bits. See permissions.hpp.
#include "permissions.hpp"

namespace apparmor_policy {

namespace {

// Old accept words: seven bits for the owner, and seven for others 14 bits above.
constexpr std::uint32_t kOldMask = 0x7f;

// The bits of a permission table that have a letter; read, write, exec and append
// are the same in both styles.
constexpr std::uint32_t kTableSame = 0x0f;
constexpr std::uint32_t kTableLock = 0x8000;
constexpr std::uint32_t kTableMap = 0x10000;
constexpr std::uint32_t kTableLink = 0x40000;

std::uint32_t table_access(const Perm &perm)
{
    const std::uint32_t allow = perm[POLICY_PERM_ALLOW] & ~perm[POLICY_PERM_DENY];
    return (allow & kTableSame) | ((allow & kTableLock) != 0 ? kAccessLock : 0u) |
           ((allow & kTableMap) != 0 ? kAccessMap : 0u) |
           ((allow & kTableLink) != 0 ? kAccessLink : 0u);
}

} // namespace

std::optional<FileAccess> file_access(const Database &database, std::uint32_t accept,
                                      std::uint32_t accept2)
{
    if (!database.perms)
        return FileAccess{accept & kOldMask, accept >> POLICY_OLD_OTHER_SHIFT & kOldMask};
    const std::vector<Perm> &perms = *database.perms;
    const std::uint64_t other = std::uint64_t{accept} + (accept2 & POLICY_ACCEPT2_OWNER);
    if (other >= perms.size())
        return std::nullopt;
    return FileAccess{table_access(perms[accept]), table_access(perms[other])};
}

std::string access_letters(std::uint32_t access)
{
    constexpr std::pair<Access, char> kLetters[] = {
        {kAccessRead, 'r'}, {kAccessWrite, 'w'}, {kAccessAppend, 'a'}, {kAccessExec, 'x'},
        {kAccessMap, 'm'},  {kAccessLock, 'k'},  {kAccessLink, 'l'}};
    std::string letters;
    for (const auto &[bit, letter] : kLetters)
        if ((access & bit) != 0)
            letters += letter;
    return letters.empty() ? "none" : letters;
}

} // namespace apparmor_policy
