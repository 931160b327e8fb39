// SPDX-License-Identifier: Apache-2.0
//
// Prints policies. See print.hpp.
#include "print.hpp"

#include "names.hpp"
#include "permissions.hpp"

#include <nlohmann/json.hpp>

#include <sstream>

namespace apparmor_policy {

namespace {

using nlohmann::json;

std::string join(const std::vector<std::string> &words)
{
    std::string text;
    for (const std::string &word : words)
        text += (text.empty() ? "" : " ") + printable(word);
    return text.empty() ? "none" : text;
}

std::string rlimit_value(std::uint64_t value)
{
    return value == UINT64_MAX ? "infinity" : std::to_string(value);
}

std::string database_text(const Database &database)
{
    if (!database.dfa)
        return "none";
    std::ostringstream out;
    out << database.dfa->states << " states, " << database.dfa->transitions << " transitions, "
        << database.dfa->classes << " classes";
    if ((database.dfa->flags & POLICY_DFA_DIFF_ENCODE) != 0)
        out << ", differentially encoded";
    if ((database.dfa->flags & POLICY_DFA_OOB) != 0)
        out << ", out-of-band transitions";
    if (database.perms)
        out << ", " << database.perms->size() << " permissions";
    if (!database.names.empty())
        out << ", leads to " << join(database.names);
    return out.str();
}

json safe(const std::vector<std::string> &texts)
{
    json list = json::array();
    for (const std::string &text : texts)
        list.push_back(printable(text));
    return list;
}

json optional_json(const std::optional<std::string> &text)
{
    return text ? json(printable(*text)) : json();
}

json database_json(const Database &database)
{
    if (!database.dfa)
        return {};
    const Dfa &dfa = *database.dfa;
    return {{"states", dfa.states},
            {"transitions", dfa.transitions},
            {"classes", dfa.classes},
            {"differentially_encoded", (dfa.flags & POLICY_DFA_DIFF_ENCODE) != 0},
            {"out_of_band", (dfa.flags & POLICY_DFA_OOB) != 0},
            {"permissions", database.perms ? json(database.perms->size()) : json()},
            {"names", safe(database.names)}};
}

json secmarks_json(const std::vector<Secmark> &secmarks)
{
    json list = json::array();
    for (const Secmark &secmark : secmarks)
        list.push_back({{"label", printable(secmark.label)},
                        {"audit", secmark.audit},
                        {"deny", secmark.deny}});
    return list;
}

void print_extras(std::ostringstream &out, const Profile &profile)
{
    if (!profile.xattrs.empty())
        out << "  xattrs       " << join(profile.xattrs) << '\n';
    for (const Secmark &secmark : profile.secmarks)
        out << "  secmark      " << printable(secmark.label) << (secmark.deny ? " deny" : " allow")
            << (secmark.audit ? " audit" : "") << '\n';
    for (const auto &[key, value] : profile.data)
        out << "  data         " << printable(key) << ", " << value.size() << " octets\n";
}

} // namespace

std::string profile_text(const Profile &profile)
{
    std::ostringstream out;
    const auto line = [&out](const char *title, const std::string &text) {
        out << "  " << title << text << '\n';
    };
    out << "profile " << printable(profile.name) << '\n';
    if (!profile.name_space.empty())
        line("namespace    ", printable(profile.name_space));
    line("version      ", std::to_string(profile.version & POLICY_VERSION_MASK));
    if (profile.rename)
        line("rename       ", printable(*profile.rename));
    if (profile.attachment)
        line("attachment   ", printable(*profile.attachment));
    if (profile.disconnected)
        line("disconnected ", printable(*profile.disconnected));
    line("mode         ", mode_name(profile.mode));
    line("flags        ", join(flag_names(profile.flags)) + (profile.audit ? ", audits all" : ""));
    if (profile.path_flags)
        line("path flags   ", hexadecimal(*profile.path_flags));
    line("capabilities ", join(capability_names(profile.capabilities.allow)));
    if (profile.capabilities.audit != 0)
        line("  audited    ", join(capability_names(profile.capabilities.audit)));
    if (profile.capabilities.quiet != 0)
        line("  quiet      ", join(capability_names(profile.capabilities.quiet)));
    if (profile.capabilities.extended != 0)
        line("  extended   ", join(capability_names(profile.capabilities.extended)));
    for (const Rlimit &rlimit : profile.rlimits)
        line("rlimit       ", rlimit_name(rlimit.resource) + " " + rlimit_value(rlimit.value));
    print_extras(out, profile);
    line("xmatch       ", database_text(profile.xmatch));
    line("policydb     ", database_text(profile.policydb));
    line("file         ", database_text(profile.file));
    return out.str();
}

std::string access_text(const PathAccess &access)
{
    return "  match        " + printable(access.path) + ": owner " +
           access_letters(access.match.owner) + ", other " + access_letters(access.match.other) +
           '\n';
}

std::string policy_text(const Policy &policy)
{
    std::string text;
    if (!policy.name_space.empty())
        text += "namespace " + printable(policy.name_space) + '\n';
    for (const std::string &ignored : policy.ignored_namespaces)
        text += "ignored namespace " + printable(ignored) + '\n';
    return text;
}

json policy_json(const Policy &policy)
{
    return {{"namespace", printable(policy.name_space)},
            {"ignored_namespaces", safe(policy.ignored_namespaces)},
            {"profiles", json::array()}};
}

json profile_json(const Profile &profile)
{
    json rlimits = json::object();
    for (const Rlimit &rlimit : profile.rlimits)
        rlimits[rlimit_name(rlimit.resource)] = rlimit_value(rlimit.value);
    json data = json::object();
    for (const auto &[key, value] : profile.data)
        data[printable(key)] = value.size();
    return {{"name", printable(profile.name)},
            {"namespace", printable(profile.name_space)},
            {"version", profile.version & POLICY_VERSION_MASK},
            {"rename", optional_json(profile.rename)},
            {"attachment", optional_json(profile.attachment)},
            {"disconnected", optional_json(profile.disconnected)},
            {"mode", mode_name(profile.mode)},
            {"flags", safe(flag_names(profile.flags))},
            {"audit", profile.audit},
            {"path_flags", profile.path_flags ? json(*profile.path_flags) : json()},
            {"capabilities",
             {{"allow", safe(capability_names(profile.capabilities.allow))},
              {"audit", safe(capability_names(profile.capabilities.audit))},
              {"quiet", safe(capability_names(profile.capabilities.quiet))},
              {"extended", safe(capability_names(profile.capabilities.extended))}}},
            {"xattrs", safe(profile.xattrs)},
            {"rlimits", rlimits},
            {"secmark", secmarks_json(profile.secmarks)},
            {"data", data},
            {"xmatch", database_json(profile.xmatch)},
            {"policydb", database_json(profile.policydb)},
            {"file", database_json(profile.file)}};
}

json access_json(const PathAccess &access)
{
    return {{"path", printable(access.path)},
            {"owner", access_letters(access.match.owner)},
            {"other", access_letters(access.match.other)},
            {"state", access.match.state}};
}

} // namespace apparmor_policy
