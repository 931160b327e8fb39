// SPDX-License-Identifier: Apache-2.0
//
// Unpacks and matches in a cell. Everything that exists only because the parser is
// not trusted with the program's memory is in cell.cpp and in check.cpp.
#pragma once

#include "policy.hpp"

#include <sbm/sbm.h>

#include <string_view>

namespace apparmor_policy {

// One cell for many policies. After a fault it is as new; one that could not be
// made reports that from every call. Not for two threads at once.
class PolicyCell {
public:
    // With level STRONGEST, the environment variable SBM_LEVEL may name another one.
    explicit PolicyCell(const struct sbm_options &options = {});
    ~PolicyCell();
    PolicyCell(const PolicyCell &) = delete;
    PolicyCell &operator=(const PolicyCell &) = delete;

    Outcome<Policy> unpack(Octets input);

    // What the file rules of a profile in `input`, as unpacked from it, say about a
    // path. A profile without file rules grants nothing.
    Outcome<Match> match(Octets input, const Profile &profile, std::string_view path);

    enum sbm_level level() const { return sbm_level(&sbm_); }

private:
    Outcome<Policy> unpack_into(Octets input, policy_summary &summary,
                                std::vector<policy_item> &items);
    std::optional<Failure> finish_call();

    struct sbm sbm_ = {};
    int cell_error_ = 0; // why there is no cell
};

} // namespace apparmor_policy
