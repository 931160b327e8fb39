// SPDX-License-Identifier: Apache-2.0
//
// Finds the least policy that an app's calls need, from a run of it.
//
//     sbm::Learner learner(*policy);
//     sbm::AppOptions options;
//     options.needed = [&](const sbm::NeededGrant &need) { learner.add(need); };
//     options.ended = [&](const sbm::AppEnd &end) { learner.add(end); };
//     sbm::run_app("app", *policy, options);
//     auto text = learner.policy();
//
// What the run needed says nothing of what other runs need, and whatever the app was fed with
// has had its say in it: read the policy before it is used.
#ifndef SBM_LEARN_HPP
#define SBM_LEARN_HPP

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <sbm/app.hpp>

#pragma GCC visibility push(default)
namespace sbm {

class Learner {
public:
    // `start` is what the run is under. Limits are taken over from it.
    explicit Learner(Policy start) : start_(std::move(start)) {}

    // Of AppOptions::needed and AppOptions::ended.
    void add(const NeededGrant &need);
    void add(const AppEnd &end) { end_ = end; }

    // A thing that a policy can say, and how many calls took or wanted it.
    struct Use {
        std::vector<std::string> section; // in its parts
        std::string key, value;
        bool in_list = false;
        bool granted = false;       // by `start`
        std::uint64_t calls = 0;    // 0: granted, and not used
        std::string call, argument; // the first of them
        // "[files.data] read", printable.
        std::string name() const;
        // `file.open "data/a"`, printable.
        std::string first() const;
    };
    // Observed against granted, in the order of names.
    std::vector<Use> uses() const;

    // More different things than are kept were asked for: so many calls are in no Use.
    std::uint64_t calls_lost() const { return lost_; }

    // The text of a policy that grants what calls took and `start` grants. What was refused is
    // written as comments; `with_refused` grants what of it lies in folders that `start` names.
    // A folder that it does not name is never granted: an app must not choose those. Room in
    // bytes and files is twice what the run took. Misuse if a path is none that a policy can say.
    Result<std::string> policy(bool with_refused = false) const noexcept;

private:
    using Name = std::tuple<std::vector<std::string>, std::string, std::string>;

    Policy start_;
    AppEnd end_;
    std::map<Name, Use> seen_;
    std::uint64_t lost_ = 0;
};

} // namespace sbm
#pragma GCC visibility pop

#endif
