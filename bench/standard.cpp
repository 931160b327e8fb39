// SPDX-License-Identifier: Apache-2.0
#include "standard.hpp"

#include "floors.hpp"

namespace bench {

Standard standard_of(const std::string &level)
{
    Standard standard;
    if (level == "vm") {
        standard.exit.name = "KVM_RUN, exit by port";
        standard.birth.name = "new VM + vCPU + slot";
        standard.exit_aim = 1.15;
        standard.birth_aim = 1.5;
        standard.make_exit = guest_exit;
        standard.make_birth = new_machine;
    } else if (level == "process") {
        standard.exit.name = "futex hand-over";
        standard.birth.name = "fork + exit + wait";
        standard.exit_aim = 1.15;
        standard.birth_aim = 2;
        standard.make_exit = hand_over;
        standard.make_birth = small_fork;
    } else {
        standard.exit.name = "plain call";
        standard.make_exit = plain_call;
        standard.make_birth = [] { return Operation(); };
    }
    standard.exit.operation = standard.make_exit();
    standard.birth.operation = standard.make_birth();
    return standard;
}

} // namespace bench
