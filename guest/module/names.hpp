// SPDX-License-Identifier: Apache-2.0
//
// Names of hosts in the C library's interfaces, which have room for addresses only: an app
// connects by name, and an address that nobody has stands for it.
#ifndef SBM_GUEST_MODULE_NAMES_HPP
#define SBM_GUEST_MODULE_NAMES_HPP

#include <cstddef>
#include <cstdint>

namespace sbm::personality {

constexpr std::size_t kHostName = 256;

// The address, in the order of this machine's bytes: of 240.0.0.0/8, which is reserved (RFC
// 1112, 4). 0 if there are too many names.
std::uint32_t address_for(const char *name);
// The name that it stands for, or nullptr.
const char *name_for(std::uint32_t address);

} // namespace sbm::personality

#endif
