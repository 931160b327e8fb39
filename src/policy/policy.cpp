// SPDX-License-Identifier: Apache-2.0
#include <sbm/policy.hpp>

#include "base/result.hpp"
#include "os/memory.hpp"

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
constexpr Unit kTimes[] = {
    {"ms", 1'000'000}, {"s", 1'000'000'000}, {"min", 60'000'000'000}, {"h", 3'600'000'000'000}};

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
            else if (key == "cpu_time") {
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

    bool read_measure(const toml::node &value, std::span<const Unit> units, std::uint64_t &to)
    {
        const auto text = value.value_exact<std::string_view>();
        const auto measured = text ? measure(*text, units) : std::nullopt;
        if (measured)
            to = *measured;
        else
            fail(value.source(), units.data() == kTimes
                                     ? "this is no time: \"10 s\" (ms, s, min, h)"
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
