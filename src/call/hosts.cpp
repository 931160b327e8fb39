// SPDX-License-Identifier: Apache-2.0
//
// Which backend stands for a level. In a file of its own, so that a test program can be linked
// with another answer.
#include "call/cell.hpp"

namespace cell::call {

Result<std::shared_ptr<backend::Host>> find_host(sbm_level level)
{
    CELL_TRY(auto host, level == SBM_LEVEL_VM ? backend::find_vm() : backend::find_process());
    CELL_CHECK(host->confirm());
    return host;
}

Result<std::shared_ptr<backend::Host>> find_confined_host(sbm_level level)
{
    return level == SBM_LEVEL_VM ? backend::find_vm_process() : backend::find_process();
}

} // namespace cell::call
