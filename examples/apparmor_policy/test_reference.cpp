// SPDX-License-Identifier: Apache-2.0
//
// The reader of policies for tests. See test_reference.hpp.
#include "test_reference.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace apparmor_policy::test {
namespace {

struct Refused {};

void need(bool condition)
{
    if (!condition)
        throw Refused{};
}

// Elements of a DFA table, decoded.
using Elements = std::vector<std::uint32_t>;

struct Tables {
    Dfa dfa;
    std::map<std::uint32_t, Elements> elements;
    std::map<std::uint32_t, std::size_t> offsets;

    std::uint32_t at(std::uint32_t id, std::size_t index) const
    {
        return elements.at(id).at(index);
    }
};

std::uint64_t big(const Bytes &input, std::size_t offset, std::size_t size)
{
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; i++)
        value = value * 256 + input.at(offset + i);
    return value;
}

std::map<std::uint32_t, std::size_t> element_sizes()
{
    return {{1, 4}, {2, 4}, {3, 2}, {4, 2}, {5, 1}, {7, 4}, {8, 2}};
}

void read_table(const Bytes &input, std::size_t &offset, std::size_t end, Tables &tables)
{
    need(end - offset >= 12);
    const auto id = static_cast<std::uint32_t>(big(input, offset, 2));
    const auto sizes = element_sizes();
    need(sizes.contains(id) && !tables.elements.contains(id));
    const std::size_t size = sizes.at(id);
    const std::uint64_t count = big(input, offset + 8, 4);
    need(big(input, offset + 2, 2) == size && big(input, offset + 4, 4) == 0 && count > 0);
    offset += 12;
    need(count * size <= end - offset);
    tables.offsets[id] = offset;
    Elements &elements = tables.elements[id];
    for (std::uint64_t i = 0; i < count; i++, offset += size)
        elements.push_back(static_cast<std::uint32_t>(big(input, offset, size)));
    for (; (end - offset) % 8 != 0; offset++)
        need(input.at(offset) == 0);
}

Tables read_tables(const Bytes &input, std::size_t begin, std::size_t size)
{
    Tables tables;
    const std::size_t end = begin + size;
    for (; (end - begin) % 8 != 0; begin++)
        need(input.at(begin) == 0);
    need(end - begin >= 16 && big(input, begin, 4) == 0x1b5e783d);
    const std::uint64_t header = big(input, begin + 4, 4);
    need(header >= 16 && header <= end - begin && header % 8 == 0);
    need(big(input, begin + 8, 4) == end - begin);
    tables.dfa.begin = static_cast<std::uint32_t>(begin);
    tables.dfa.size = static_cast<std::uint32_t>(end - begin);
    tables.dfa.flags = static_cast<std::uint32_t>(big(input, begin + 12, 2));
    need(tables.dfa.flags <= 3);
    for (std::size_t offset = begin + header; offset < end;)
        read_table(input, offset, end, tables);
    return tables;
}

// Does looking up in this state come to an end? No chain is longer than there are states.
bool ends(const Tables &tables, std::uint32_t state)
{
    std::size_t steps = 0;
    while ((tables.at(2, state) & 0x80000000) != 0 && steps <= tables.dfa.states) {
        state = tables.at(4, state);
        steps++;
    }
    return steps <= tables.dfa.states;
}

void verify_tables(Tables &tables, bool packed)
{
    for (const std::uint32_t id : {1u, 2u, 3u, 4u, 8u})
        need(tables.elements.contains(id));
    const std::size_t states = tables.elements[2].size();
    const std::size_t transitions = tables.elements[8].size();
    need(tables.elements[1].size() == states && tables.elements[4].size() == states);
    need(tables.elements[3].size() == transitions);
    need(tables.elements.contains(7) ? tables.elements[7].size() == states : !packed);
    need(!tables.elements.contains(5) || tables.elements[5].size() == 256);
    tables.dfa.states = static_cast<std::uint32_t>(states);
    tables.dfa.transitions = static_cast<std::uint32_t>(transitions);
    tables.dfa.classes =
        tables.elements.contains(5) ? std::ranges::max(tables.elements[5]) + 1 : 256;
    tables.dfa.accept = static_cast<std::uint32_t>(tables.offsets[1]);
    if (tables.elements.contains(7))
        tables.dfa.accept2 = static_cast<std::uint32_t>(tables.offsets[7]);
    const auto exists = [states](std::uint32_t state) { return state < states; };
    need(std::ranges::all_of(tables.elements[3], exists));
    need(std::ranges::all_of(tables.elements[4], exists));
    need(std::ranges::all_of(tables.elements[8], exists));
    for (const std::uint32_t base : tables.elements[2]) {
        const std::uint32_t flags = base >> 24;
        const std::size_t index = base & 0xffffff;
        need((flags & ~0xa0u) == 0);
        need((flags & 0x80) == 0 || (tables.dfa.flags & 1) != 0);
        need((flags & 0x20) == 0 || ((tables.dfa.flags & 2) != 0 && index > 0));
        need(index + 256 <= transitions);
    }
    for (std::uint32_t state = 0; state < states; state++)
        need(ends(tables, state));
}

bool contradictory(const Perm &p)
{
    enum { kAllow = 1, kDeny, kSubtree, kCond, kKill, kComplain, kPrompt, kHide = 10 };
    for (int bit = 0; bit < 32; bit++) {
        const auto has = [&p, bit](std::size_t word) { return (p[word] >> bit & 1) != 0; };
        if ((has(kAllow) && (has(kDeny) || has(kCond) || has(kKill) || has(kHide))) ||
            (has(kSubtree) && !has(kAllow)) || (has(kCond) && has(kDeny)) ||
            ((has(kComplain) || has(kPrompt)) && (has(kAllow) || has(kDeny))) ||
            (has(kComplain) && has(kPrompt)))
            return true;
    }
    return false;
}

class Reference {
public:
    explicit Reference(const Bytes &input) : input_(input) {}

    Policy read()
    {
        Policy policy;
        std::uint32_t version = 0;
        need(!input_.empty());
        while (position_ < input_.size()) {
            if (const auto found = number(2, 4, "version"))
                version = static_cast<std::uint32_t>(*found);
            need((version & 0x3ff) >= 5 && (version & 0x3ff) <= 9);
            if (const auto name = text("namespace")) {
                need(!name->empty());
                if (policy.name_space.empty())
                    policy.name_space = *name;
                else if (*name != policy.name_space)
                    policy.ignored_namespaces.push_back(*name);
            }
            policy.profiles.push_back(profile(version));
        }
        name_spaces(policy);
        return policy;
    }

private:
    // Is an item of that type and name here? Then the position is after its type.
    bool at_item(int code, const std::string &name)
    {
        std::size_t offset = position_;
        if (offset < input_.size() && input_[offset] == 4) {
            if (input_.size() - offset < 3)
                return false;
            const std::size_t length = input_[offset + 1] + 256u * input_[offset + 2];
            if (length > input_.size() - offset - 3)
                return false;
            const auto begin = input_.begin() + static_cast<std::ptrdiff_t>(offset) + 3;
            const std::string found(begin, begin + static_cast<std::ptrdiff_t>(length));
            if (!name.empty() && found != name + '\0')
                return false;
            offset += 3 + length;
        } else if (!name.empty()) {
            return false;
        }
        if (offset >= input_.size() || input_[offset] != code)
            return false;
        position_ = offset + 1;
        return true;
    }

    std::uint64_t octets(std::size_t size)
    {
        need(size <= input_.size() - position_);
        std::uint64_t value = 0;
        for (std::size_t i = size; i > 0; i--)
            value = value * 256 + input_[position_ + i - 1];
        position_ += size;
        return value;
    }

    std::optional<std::uint64_t> number(int code, std::size_t size, const std::string &name)
    {
        if (!at_item(code, name))
            return std::nullopt;
        return octets(size);
    }

    std::uint32_t word()
    {
        const auto value = number(2, 4, "");
        need(value.has_value());
        return static_cast<std::uint32_t>(*value);
    }

    // A string with its NULs, but for the last one.
    std::optional<std::string> raw_text(const std::string &name)
    {
        if (!at_item(5, name))
            return std::nullopt;
        const std::size_t length = octets(2);
        need(length > 0 && length <= input_.size() - position_);
        const auto begin = input_.begin() + static_cast<std::ptrdiff_t>(position_);
        std::string found(begin, begin + static_cast<std::ptrdiff_t>(length));
        position_ += length;
        need(found.back() == '\0');
        found.pop_back();
        return found;
    }

    std::optional<std::string> text(const std::string &name)
    {
        auto found = raw_text(name);
        need(!found || found->find('\0') == std::string::npos);
        return found;
    }

    std::string required_text()
    {
        auto found = text("");
        need(found.has_value());
        return *found;
    }

    void end() { need(at_item(8, "")); }

    template <class Element> std::size_t array(Element element)
    {
        const auto count = number(11, 2, "");
        need(count.has_value());
        for (std::size_t i = 0; i < *count; i++)
            element(i);
        need(at_item(12, ""));
        end();
        return *count;
    }

    Profile profile(std::uint32_t version)
    {
        Profile result;
        result.version = version;
        need(at_item(7, "profile"));
        profile_name(result);
        result.rename = text("rename");
        result.attachment = text("attach");
        result.xmatch = database(false);
        if (result.xmatch.dfa)
            result.xmatch_length = word();
        result.disconnected = text("disconnected");
        need(at_item(7, "flags"));
        result.flags = word();
        const std::uint32_t mode = word();
        need(mode <= 4);
        result.mode = (version & 0x800) != 0 ? POLICY_MODE_COMPLAIN : policy_mode(mode);
        result.audit = word() != 0;
        end();
        if (const auto flags = number(2, 4, "path_flags"))
            result.path_flags = static_cast<std::uint32_t>(*flags);
        capabilities(result.capabilities);
        lists(result);
        if (at_item(7, "policydb")) {
            result.policydb = database(false);
            need(result.policydb.dfa.has_value());
            end();
        }
        result.file = database(true);
        data(result);
        end();
        return result;
    }

    void profile_name(Profile &result)
    {
        std::string name = required_text();
        if (!name.empty() && name[0] == ':') {
            const auto colon = name.find(':', 1);
            need(colon != std::string::npos && colon != 1);
            result.name_space = name.substr(1, colon - 1);
            name = name.substr(colon + 1);
            if (name.substr(0, 2) == "//")
                name = name.substr(2);
        }
        need(!name.empty());
        result.name = name;
    }

    void capabilities(Capabilities &result)
    {
        std::uint64_t *const masks[] = {&result.allow, &result.audit, &result.quiet};
        for (std::uint64_t *mask : masks)
            *mask = word();
        word();
        if (at_item(7, "caps64")) {
            for (std::uint64_t *mask : masks)
                *mask += std::uint64_t{word()} << 32;
            word();
            end();
        }
        if (at_item(7, "capsx")) {
            result.extended = word();
            result.extended += std::uint64_t{word()} << 32;
            end();
        }
    }

    void lists(Profile &result)
    {
        if (at_item(7, "xattrs"))
            array([&](std::size_t) { result.xattrs.push_back(required_text()); });
        if (at_item(7, "rlimits")) {
            const std::uint64_t mask = word();
            const std::size_t count = array([&](std::size_t i) {
                const auto value = number(3, 8, "");
                need(value.has_value() && i < 16);
                if ((mask >> i & 1) != 0)
                    result.rlimits.push_back({static_cast<std::uint32_t>(i), *value});
            });
            need(mask >> count == 0);
        }
        if (at_item(7, "secmark"))
            array([&](std::size_t) {
                const auto audit = number(0, 1, "");
                const auto deny = number(0, 1, "");
                need(audit && deny);
                result.secmarks.push_back({*audit != 0, *deny != 0, required_text()});
            });
    }

    void data(Profile &result)
    {
        std::set<std::string> keys;
        if (!at_item(7, "data"))
            return;
        while (const auto key = text("")) {
            need(keys.insert(*key).second && at_item(6, ""));
            const std::size_t size = octets(4);
            need(size <= input_.size() - position_);
            const auto begin = input_.begin() + static_cast<std::ptrdiff_t>(position_);
            result.data.emplace_back(*key, Bytes(begin, begin + static_cast<std::ptrdiff_t>(size)));
            position_ += size;
        }
        end();
    }

    void perms(Database &result)
    {
        if (!at_item(7, "perms"))
            return;
        need(number(2, 4, "version") == 1u);
        result.perms.emplace();
        array([&](std::size_t) {
            Perm perm{};
            for (std::uint32_t &value : perm)
                value = word();
            need(!contradictory(perm));
            result.perms->push_back(perm);
        });
    }

    std::string xtable_name()
    {
        auto name = raw_text("");
        need(name.has_value());
        const auto nuls = std::ranges::count(*name, '\0');
        if (!name->empty() && name->front() == ':')
            need(nuls <= 1 && name->size() > 1 && (*name)[1] != '\0');
        else
            need(nuls == 0 && (name->empty() || !std::isspace(name->front())));
        std::ranges::replace(*name, '\0', ':');
        return *name;
    }

    // Indexes into the transition table, in either style.
    static void verify_indexes(const Database &result, const Tables &tables, bool file)
    {
        const std::size_t names = result.names.size();
        for (const Perm &perm : result.perms.value_or(std::vector<Perm>{})) {
            need((perm[11] & 0x0c000000) != 0x08000000 || (perm[11] & 0xffffff) < names);
            need(perm[12] == 0 || perm[12] < names);
            need(perm[13] == 0 || perm[13] < names);
        }
        for (std::uint32_t state = 0; state < tables.dfa.states; state++) {
            const std::uint64_t accept = tables.at(1, state);
            const std::uint64_t flags = tables.elements.contains(7) ? tables.at(7, state) : 0;
            if (result.perms)
                need(flags <= 1 && accept + flags < result.perms->size());
            for (const std::uint64_t index : {accept >> 10 & 15, accept >> 24 & 15})
                need(result.perms || !file || index < 4 || index - 4 < names);
        }
    }

    Database database(bool file)
    {
        Database result;
        Tables tables;
        perms(result);
        if (at_item(6, "aadfa")) {
            const std::size_t size = octets(4);
            need(size <= input_.size() - position_);
            tables = read_tables(input_, position_, size);
            verify_tables(tables, !result.perms);
            position_ += size;
            tables.dfa.start = static_cast<std::uint32_t>(number(2, 4, "start").value_or(1));
            tables.dfa.dfa_start =
                static_cast<std::uint32_t>(number(2, 4, "dfa_start").value_or(1));
            need(tables.dfa.start < tables.dfa.states && tables.dfa.dfa_start < tables.dfa.states);
            result.dfa = tables.dfa;
        }
        need(result.dfa || !result.perms);
        if (at_item(7, "xtable"))
            array([&](std::size_t) { result.names.push_back(xtable_name()); });
        verify_indexes(result, tables, file);
        return result;
    }

    static void name_spaces(Policy &policy)
    {
        bool seen_without = false;
        for (const Profile &profile : policy.profiles) {
            if (profile.name_space.empty()) {
                seen_without = true;
                continue;
            }
            if (policy.name_space.empty() && !seen_without)
                policy.name_space = profile.name_space;
            need(profile.name_space == policy.name_space);
        }
    }

    const Bytes &input_;
    std::size_t position_ = 0;
};

} // namespace

std::optional<Policy> reference_policy(const Bytes &input)
{
    try {
        return Reference(input).read();
    } catch (const Refused &) {
        return std::nullopt;
    }
}

std::uint32_t reference_walk(const Bytes &input, const Dfa &dfa, std::uint32_t start,
                             std::string_view text)
{
    const Tables tables = read_tables(input, dfa.begin, dfa.size);
    std::uint32_t state = start;
    if (start == 0)
        return 0;
    for (const char character : text) {
        std::uint32_t class_of = static_cast<unsigned char>(character);
        if (tables.elements.contains(5))
            class_of = tables.at(5, class_of);
        for (bool again = true; again;) {
            const std::uint32_t base = tables.at(2, state);
            const std::size_t index = (base & 0xffffff) + class_of;
            const bool own = tables.at(3, index) == state;
            state = own ? tables.at(8, index) : tables.at(4, state);
            again = !own && (base & 0x80000000) != 0;
        }
    }
    return state;
}

} // namespace apparmor_policy::test
