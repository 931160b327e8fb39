// SPDX-License-Identifier: Apache-2.0
#include <sbm/learn.hpp>

#include "base/result.hpp"
#include "base/toml.hpp"
#include "supervisor/policy_text.hpp"
#include "system/net/rules.hpp"

#include <algorithm>
#include <optional>

namespace sbm {
namespace {

namespace net = cell::system::net;

// An app can ask for as many things as it likes.
constexpr std::size_t kMostUses = 1000;

// Ports are no affair of pings; their rules are hosts.
std::optional<net::Rule> rule_of(const std::string &key, const std::string &text)
{
    const char *why = nullptr;
    return net::parse_rule(key == "ping" ? text + ":*" : text, why);
}

// The one thing that a use of the network is about, from `"udp:host:port"`.
struct Asked {
    net::Transport transport;
    net::Name name;
};
std::optional<Asked> asked(const Learner::Use &use)
{
    const auto rule = use.value.size() > 2
                          ? rule_of(use.key, use.value.substr(1, use.value.size() - 2))
                          : std::nullopt;
    if (!rule)
        return std::nullopt;
    return Asked{rule->transport, {{rule->name, rule->address}, rule->first}};
}

// Rules that no use matched, as uses that no call made.
void add_unused(const char *key, const std::vector<std::string> &rules,
                std::vector<Learner::Use> &uses)
{
    for (const std::string &text : rules) {
        const auto rule = rule_of(key, text);
        const bool is_used = std::any_of(uses.begin(), uses.end(), [&](const Learner::Use &use) {
            const auto about = use.key == key && use.granted ? asked(use) : std::nullopt;
            return rule && about && rule->matches(about->transport, about->name);
        });
        if (!is_used)
            uses.push_back({{"network"},
                            key,
                            cell::toml_string(text).value_or("\"?\""),
                            true,
                            true,
                            0,
                            {},
                            {}});
    }
}

} // namespace

std::string Learner::Use::name() const
{
    return cell::supervisor::section_text(section) + " " + key +
           (value == "true" ? "" : " " + value);
}

std::string Learner::Use::first() const
{
    // Of a long path the beginning says enough; a cut character is none.
    constexpr std::size_t kShown = 200, kLongestCharacter = 4;
    std::string shown = argument.substr(0, kShown);
    while (shown.size() < argument.size() && !cell::toml_string(shown) &&
           shown.size() + kLongestCharacter > kShown)
        shown.pop_back();
    const auto text = cell::toml_string(shown);
    return call + " " + (text ? *text : "of what is no UTF-8") +
           (shown.size() < argument.size() ? "..." : "");
}

void Learner::add(const NeededGrant &need)
{
    const Name name(need.section, need.key, need.value);
    const auto found = seen_.find(name);
    if (found != seen_.end()) {
        found->second.calls++;
        return;
    }
    if (seen_.size() == kMostUses) {
        lost_++;
        return;
    }
    seen_[name] = {need.section, need.key, need.value, need.in_list,
                   need.granted, 1,        need.call,  need.argument};
}

std::vector<Learner::Use> Learner::uses() const
{
    std::vector<Use> result;
    for (const auto &[name, use] : seen_)
        result.push_back(use);
    for (const FilesPolicy &files : start_.files)
        for (const auto &[key, granted] : {std::pair{"read", files.read},
                                           {"write", files.write},
                                           {"create", files.create},
                                           {"remove", files.remove}})
            if (granted && !seen_.contains({{"files", files.name}, key, "true"}))
                result.push_back({{"files", files.name}, key, "true", false, true, 0, {}, {}});
    if (start_.network) {
        add_unused("connect", start_.network->connect, result);
        add_unused("listen", start_.network->listen, result);
        add_unused("ping", start_.network->ping, result);
    }
    std::sort(result.begin(), result.end(), [](const Use &a, const Use &b) {
        return std::tie(a.section, a.key, a.value) < std::tie(b.section, b.key, b.value);
    });
    return result;
}

Result<std::string> Learner::policy(bool with_refused) const noexcept
{
    return cell::without_throwing(
        [&] { return cell::supervisor::policy_text(start_, end_, uses(), with_refused); });
}

} // namespace sbm
