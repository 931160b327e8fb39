// SPDX-License-Identifier: Apache-2.0
//
// In place of src/call/hosts.cpp: the level `vm` means the one with two walls, for every cell
// of a test program. What apps get is then under the tests of all others.
#include "call/cell.hpp"

namespace cell::call {

Result<std::shared_ptr<backend::Host>> find_confined_host(sbm_level level)
{
    return level == SBM_LEVEL_VM ? backend::find_vm_process() : backend::find_process();
}

Result<std::shared_ptr<backend::Host>> find_host(sbm_level level)
{
    return find_confined_host(level);
}

} // namespace cell::call
