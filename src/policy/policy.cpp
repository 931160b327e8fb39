// SPDX-License-Identifier: Apache-2.0
#include <sbm/policy.hpp>

#include "base/result.hpp"
#include "os/memory.hpp"
#include "system/net/rules.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

// What toml++ 3.3 asserts, or assumes in a release build, a wrong text can break
// (fuzz/policy_text.cpp). With neither of the two it finds an error a few lines on.
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace sbm {
namespace {

constexpr std::size_t kLongestPolicy = std::size_t{1} << 20;

// A number and a unit, without spaces or with them: "10 MiB".
struct Unit {
    std::string_view name;
    std::uint64_t size;
};
constexpr Unit kSizes[] = {{"B", 1},
                           {"KiB", std::uint64_t{1} << 10},
                           {"MiB", std::uint64_t{1} << 20},
                           {"GiB", std::uint64_t{1} << 30}};
constexpr Unit kTimes[] = {{"ns", 1},
                           {"us", 1'000},
                           {"ms", 1'000'000},
                           {"s", 1'000'000'000},
                           {"min", 60'000'000'000},
                           {"h", 3'600'000'000'000}};

std::optional<std::uint64_t> measure(std::string_view text, std::span<const Unit> units)
{
    std::uint64_t number = 0;
    std::size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; digits++)
        if (__builtin_mul_overflow(number, 10U, &number) ||
            __builtin_add_overflow(number, static_cast<std::uint64_t>(text[digits] - '0'), &number))
            return std::nullopt;
    std::string_view rest = text.substr(digits);
    while (!rest.empty() && rest.front() == ' ')
        rest.remove_prefix(1);
    for (const Unit &unit : units)
        if (digits > 0 && rest == unit.name &&
            !__builtin_mul_overflow(number, unit.size, &number) && number <= INT64_MAX)
            return number;
    return std::nullopt;
}

// Keys can hold anything, and errors go to terminals.
std::string printable(std::string text)
{
    for (char &c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            c = '?';
    return text;
}

class Reader {
public:
    explicit Reader(std::string_view name) : name_(name) {}

    Result<Policy> read(const toml::table &table)
    {
        for (const auto &[key, value] : table) {
            const toml::table *section = value.as_table();
            if (key == "limits" && section)
                read_limits(*section);
            else if (key == "files" && section)
                read_files(*section);
            else if (key == "network" && section)
                read_network(*section, policy_.network.emplace());
            else if (key == "time" && section)
                read_time(*section, policy_.time);
            else if (key == "random" && section)
                read_random(*section);
            else
                fail(key.source(), std::string(key.str()) + " is no section of a policy");
        }
        if (error_)
            return *error_;
        return std::move(policy_);
    }

    Error at(const toml::source_region &where, const std::string &what) const
    {
        return cell::error(Errc::misuse, "%s:%u:%u: %s", std::string(name_).c_str(),
                           where.begin.line, where.begin.column, printable(what).c_str());
    }

private:
    void fail(const toml::source_region &where, const std::string &what)
    {
        if (!error_)
            error_ = at(where, what);
    }

    void read_limits(const toml::table &section)
    {
        for (const auto &[key, value] : section) {
            std::uint64_t number = 0;
            if (key == "memory")
                read_measure(value, kSizes, policy_.memory);
            else if (key == "log")
                read_measure(value, kSizes, policy_.log);
            else if (key == "handles")
                read_number(value, policy_.handles);
            else if (key == "calls_per_second") {
                read_number(value, policy_.calls_per_second);
                if (policy_.calls_per_second == 0)
                    fail(value.source(), "an app that may make no call cannot even end");
            } else if (key == "cpu_time") {
                if (read_measure(value, kTimes, number))
                    policy_.cpu_time = std::chrono::nanoseconds(number);
            } else if (key == "wall_time") {
                if (read_measure(value, kTimes, number))
                    policy_.wall_time = std::chrono::nanoseconds(number);
            } else
                fail(key.source(), "[limits] has no key " + std::string(key.str()));
        }
    }

    void read_files(const toml::table &sections)
    {
        for (const auto &[key, value] : sections) {
            const toml::table *section = value.as_table();
            if (!section) {
                fail(key.source(), "a root is a section: [files." + std::string(key.str()) + "]");
                continue;
            }
            FilesPolicy root;
            root.name = key.str();
            if (root.name.empty() || root.name.find('/') != std::string::npos ||
                root.name.find('\0') != std::string::npos || root.name == "." ||
                root.name == ".." || root.name.size() > 255)
                fail(key.source(), "this can be no name of a root");
            read_root(*section, root);
            if (root.path.empty())
                fail(key.source(), "[files." + root.name + "] says no path");
            policy_.files.push_back(std::move(root));
        }
    }

    void read_root(const toml::table &section, FilesPolicy &root)
    {
        for (const auto &[key, value] : section) {
            if (key == "path")
                read_text(value, root.path);
            else if (key == "read")
                read_flag(value, root.read);
            else if (key == "write")
                read_flag(value, root.write);
            else if (key == "create")
                read_flag(value, root.create);
            else if (key == "remove")
                read_flag(value, root.remove);
            else if (key == "bytes")
                read_measure(value, kSizes, root.bytes);
            else if (key == "files")
                read_number(value, root.files);
            else
                fail(key.source(),
                     "[files." + root.name + "] has no key " + std::string(key.str()));
        }
    }

    void read_network(const toml::table &section, NetworkPolicy &network)
    {
        for (const auto &[key, value] : section) {
            if (key == "connect")
                read_list(value, network.connect, why_no_rule);
            else if (key == "refuse")
                read_list(value, network.refuse, why_no_rule);
            else if (key == "listen")
                read_list(value, network.listen, why_no_place);
            else if (key == "ping")
                read_list(value, network.ping, why_no_host);
            else if (key == "addresses")
                read_list(value, network.addresses, why_no_block);
            else if (key == "servers")
                read_list(value, network.servers, why_no_server);
            else if (key == "bytes")
                read_measure(value, kSizes, network.bytes);
            else if (key == "connections")
                read_number(value, network.connections);
            else
                fail(key.source(), "[network] has no key " + std::string(key.str()));
        }
    }

    // What is wrong with an element, or nullptr.
    static const char *why_no_rule(std::string_view text)
    {
        const char *why = nullptr;
        return cell::system::net::parse_rule(text, why) ? nullptr : why;
    }
    static const char *why_no_place(std::string_view text)
    {
        const char *why = nullptr;
        const auto rule = cell::system::net::parse_rule(text, why);
        return !rule ? why : rule->address ? nullptr : "this is no address of this machine";
    }
    static const char *why_no_host(std::string_view text)
    {
        const char *why = nullptr;
        return cell::system::net::parse_rule(std::string(text) + ":0", why)
                   ? nullptr
                   : "this is no host: example.org, *.example.org, 192.0.2.1 or [2001:db8::1]";
    }
    static const char *why_no_block(std::string_view text)
    {
        return cell::system::net::parse_block(text)
                   ? nullptr
                   : "these are no addresses: 10.1.0.0/16, 192.0.2.1 or fd00::/8";
    }
    static const char *why_no_server(std::string_view text)
    {
        const auto name = cell::system::net::parse_name(text);
        return name && name->host.address ? nullptr : "this is no server: 192.0.2.53:53";
    }

    void read_list(const toml::node &value, std::vector<std::string> &to,
                   const char *(*why_not)(std::string_view))
    {
        const toml::array *list = value.as_array();
        if (!list)
            return fail(value.source(), "this is no list: [\"…\", \"…\"]");
        for (const toml::node &element : *list) {
            const auto text = element.value_exact<std::string_view>();
            const char *why = text ? why_not(*text) : "this is no text";
            if (why)
                fail(element.source(), why);
            else
                to.emplace_back(*text);
        }
    }

    void read_time(const toml::table &section, TimePolicy &time)
    {
        for (const auto &[key, value] : section) {
            if (key == "resolution")
                read_time_span(value, time.resolution);
            else if (key == "offset")
                read_time_span(value, time.offset);
            else if (key == "step")
                read_time_span(value, time.step);
            else if (key == "start")
                read_moment(value, time.start.emplace());
            else
                fail(key.source(), "[time] has no key " + std::string(key.str()));
            if (time.resolution.count() < 1 || time.step.count() < 0)
                fail(value.source(), "this cannot be negative, and a resolution not 0");
        }
        if (!time.start && time.step.count() != 0)
            fail(section.source(), "[time] has a step, and no start to begin at");
        if (time.start && time.offset.count() != 0)
            fail(section.source(), "[time] has a start and an offset: one of them");
    }
    void read_random(const toml::table &section)
    {
        for (const auto &[key, value] : section)
            if (key == "seed")
                read_number(value, policy_.seed.emplace());
            else
                fail(key.source(), "[random] has no key " + std::string(key.str()));
    }

    void read_time_span(const toml::node &value, std::chrono::nanoseconds &to)
    {
        auto text = value.value_exact<std::string_view>();
        const bool is_negative = text && text->starts_with('-');
        if (is_negative)
            text->remove_prefix(1);
        const auto measured = text ? measure(*text, kTimes) : std::nullopt;
        if (!measured)
            return fail(value.source(), "this is no time: \"10 s\" (ns, us, ms, s, min, h)");
        const auto count = static_cast<std::int64_t>(*measured);
        to = std::chrono::nanoseconds(is_negative ? -count : count);
    }
    // With its offset from UTC: what a local time is, a policy does not know.
    void read_moment(const toml::node &value, std::chrono::nanoseconds &to)
    {
        const auto moment = value.value_exact<toml::date_time>();
        if (!moment || !moment->offset)
            return fail(value.source(), "this is no moment: 2020-01-01T00:00:00Z");
        const std::chrono::sys_days day = std::chrono::year(static_cast<int>(moment->date.year)) /
                                          static_cast<int>(moment->date.month) /
                                          static_cast<int>(moment->date.day);
        const auto &time = moment->time;
        const auto since = std::chrono::seconds(day.time_since_epoch()) +
                           std::chrono::seconds(time.hour * 3600 + time.minute * 60 + time.second) -
                           std::chrono::minutes(moment->offset->minutes);
        constexpr std::chrono::seconds kLatest{INT64_MAX / 1'000'000'000 - 1};
        if (since < std::chrono::seconds(0) || since > kLatest)
            return fail(value.source(), "this moment is before 1970 or after 2262");
        to = since + std::chrono::nanoseconds(time.nanosecond);
    }

    bool read_measure(const toml::node &value, std::span<const Unit> units, std::uint64_t &to)
    {
        const auto text = value.value_exact<std::string_view>();
        const auto measured = text ? measure(*text, units) : std::nullopt;
        if (measured)
            to = *measured;
        else
            fail(value.source(), units.data() == kTimes
                                     ? "this is no time: \"10 s\" (ns, us, ms, s, min, h)"
                                     : "this is no size: \"10 MiB\" (B, KiB, MiB, GiB)");
        return measured.has_value();
    }
    void read_number(const toml::node &value, std::uint64_t &to)
    {
        const auto number = value.value_exact<std::int64_t>();
        if (number && *number >= 0)
            to = static_cast<std::uint64_t>(*number);
        else
            fail(value.source(), "this is no number from 0 on");
    }
    void read_flag(const toml::node &value, bool &to)
    {
        if (const auto flag = value.value_exact<bool>())
            to = *flag;
        else
            fail(value.source(), "this is neither true nor false");
    }
    void read_text(const toml::node &value, std::string &to)
    {
        const auto text = value.value_exact<std::string_view>();
        if (text && !text->empty() && text->find('\0') == std::string_view::npos)
            to = *text;
        else
            fail(value.source(), "this is no path");
    }

    std::string_view name_;
    Policy policy_;
    std::optional<Error> error_; // the first one
};

// toml++ 3.3 must not be given other characters outside of strings: what it then does is not
// defined. Strings can have them as escapes.
std::optional<toml::source_position> find_non_ascii(std::string_view text)
{
    toml::source_position at{1, 1};
    for (const char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80)
            return at;
        at.column++;
        if (c == '\n')
            at = {at.line + 1, 1};
    }
    return std::nullopt;
}

Result<Policy> read_file(const std::string &path)
{
    CELL_TRY(const auto file, cell::os::open_for_reading(path));
    CELL_TRY(const auto bytes, cell::os::read_all(file.get(), kLongestPolicy));
    CELL_TRY(Policy policy,
             Policy::parse({reinterpret_cast<const char *>(bytes.data()), bytes.size()}, path));
    for (FilesPolicy &root : policy.files)
        root.path = std::filesystem::path(path).parent_path() / root.path;
    return policy;
}

} // namespace

Result<Policy> Policy::parse(std::string_view text, std::string_view name) noexcept
{
    return cell::without_throwing([&]() -> Result<Policy> {
        Reader reader(name);
        if (const auto found = find_non_ascii(text))
            return reader.at({*found, *found, nullptr},
                             "a policy is ASCII; other characters are escapes: \"\\u00e9\"");
        const toml::parse_result parsed = toml::parse(text);
        if (!parsed)
            return reader.at(parsed.error().source(), std::string(parsed.error().description()));
        return reader.read(parsed.table());
    });
}

Result<Policy> Policy::load(const std::string &path) noexcept
{
    return cell::without_throwing([&] { return read_file(path); });
}

} // namespace sbm
