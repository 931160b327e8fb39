// SPDX-License-Identifier: Apache-2.0
#include <sbm/learn.hpp>

#include "base/result.hpp"
#include "base/toml.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

namespace sbm {
namespace {

// An app can ask for as many roots as it likes.
constexpr std::size_t kMostUses = 1000;

std::string section_text(const std::vector<std::string> &section)
{
    std::string text = "[";
    for (const std::string &part : section)
        text += (text.size() > 1 ? "." : "") + cell::toml_key(part).value_or("?");
    return text + "]";
}

const FilesPolicy *find_files(const Policy &policy, const std::vector<std::string> &section)
{
    if (section.size() != 2 || section[0] != "files")
        return nullptr;
    const auto found = std::find_if(policy.files.begin(), policy.files.end(),
                                    [&](const auto &files) { return files.name == section[1]; });
    return found == policy.files.end() ? nullptr : &*found;
}

template <class Unit>
std::string measure(std::uint64_t number,
                    std::initializer_list<std::pair<const char *, Unit>> units)
{
    for (const auto &[name, size] : units)
        if (number % static_cast<std::uint64_t>(size) == 0)
            return "\"" + std::to_string(number / static_cast<std::uint64_t>(size)) + " " + name +
                   "\"";
    return "\"0 B\"";
}

std::string size_text(std::uint64_t bytes)
{
    return measure<std::uint64_t>(
        bytes, {{"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}});
}

// Times in a policy are whole milliseconds.
std::string time_text(std::chrono::nanoseconds time)
{
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(time).count();
    return "\"" + std::to_string(milliseconds) + " ms\"";
}

// The limits of `start`, as far as they are not those of an empty policy.
std::string limits_text(const Policy &start)
{
    const Policy standard;
    std::string text;
    const auto put = [&](const char *key, const std::string &value, bool is_standard) {
        if (!is_standard)
            text += std::string(key) + " = " + value + "\n";
    };
    put("memory", size_text(start.memory), start.memory == standard.memory);
    put("cpu_time", time_text(start.cpu_time), start.cpu_time == standard.cpu_time);
    put("wall_time", time_text(start.wall_time), start.wall_time == standard.wall_time);
    put("handles", std::to_string(start.handles), start.handles == standard.handles);
    put("log", size_text(start.log), start.log == standard.log);
    put("calls_per_second", std::to_string(start.calls_per_second),
        start.calls_per_second == standard.calls_per_second);
    return text.empty() ? text : "[limits]\n" + text + "\n";
}

std::string calls_text(const Learner::Use &use)
{
    return std::to_string(use.calls) + (use.calls == 1 ? " call: " : " calls, the first: ") +
           use.first();
}

// Writes sections, with comments for what stays refused.
class Writer {
public:
    Writer(const Policy &start, const AppEnd &end, bool with_refused)
        : start_(start), end_(end), with_refused_(with_refused)
    {
    }

    Result<std::string> write(const std::vector<Learner::Use> &uses)
    {
        text_ =
            "# The least policy for what an app did in one run. Read it before it is used.\n\n" +
            limits_text(start_);
        for (std::size_t i = 0; i < uses.size();) {
            std::size_t next = i;
            while (next < uses.size() && uses[next].section == uses[i].section)
                next++;
            CELL_CHECK(put_section({uses.begin() + static_cast<std::ptrdiff_t>(i),
                                    uses.begin() + static_cast<std::ptrdiff_t>(next)}));
            i = next;
        }
        return text_;
    }

private:
    bool is_wanted(const Learner::Use &use) const
    {
        return use.calls != 0 &&
               (use.granted || (with_refused_ && find_files(start_, use.section)));
    }

    Result<void> put_section(const std::vector<Learner::Use> &uses)
    {
        const FilesPolicy *files = find_files(start_, uses[0].section);
        const bool is_any =
            std::any_of(uses.begin(), uses.end(), [&](const auto &use) { return is_wanted(use); });
        if (std::all_of(uses.begin(), uses.end(), [](const auto &use) { return use.calls == 0; }))
            return {};
        const std::string mark = is_any ? "" : "# ";
        text_ += mark + section_text(uses[0].section) + "\n";
        if (files)
            CELL_CHECK(put_path(*files, mark));
        else if (uses[0].section[0] == "files")
            text_ += mark + "path = \"/...\" # no folder was named for this one\n";
        for (std::size_t i = 0; i < uses.size(); i++)
            put_use(uses, i);
        if (files && is_any)
            put_quotas(*files, uses);
        text_ += "\n";
        return {};
    }

    Result<void> put_path(const FilesPolicy &files, const std::string &mark)
    {
        std::error_code failed;
        const std::string path = std::filesystem::absolute(files.path, failed).lexically_normal();
        const auto said = cell::toml_string(path);
        if (failed || !said)
            return cell::error(Errc::misuse, "no policy can name the folder of %s",
                               section_text({"files", files.name}).c_str());
        text_ += mark + "path = " + *said + "\n";
        return {};
    }

    // A value, or with the first of several all of a list.
    void put_use(const std::vector<Learner::Use> &uses, std::size_t at)
    {
        const Learner::Use &use = uses[at];
        if (use.calls == 0)
            return;
        if (!use.in_list) {
            text_ += (is_wanted(use) ? "" : "# ") + use.key + " = " + use.value + " # " +
                     (use.granted ? "" : "refused: ") + calls_text(use) + "\n";
            return;
        }
        if (at != 0 && uses[at - 1].key == use.key)
            return;
        const auto in_list = [&](const Learner::Use &other) { return other.key == use.key; };
        const bool is_any = std::any_of(uses.begin(), uses.end(), [&](const auto &other) {
            return in_list(other) && is_wanted(other);
        });
        text_ += (is_any ? "" : "# ") + use.key + " = [\n";
        for (const Learner::Use &other : uses)
            if (in_list(other) && other.calls != 0)
                text_ += (is_wanted(other) ? "    " : "#   ") + other.value + ", # " +
                         (other.granted ? "" : "refused: ") + calls_text(other) + "\n";
        text_ += is_any ? "]\n" : "# ]\n";
    }

    void put_quotas(const FilesPolicy &files, const std::vector<Learner::Use> &uses)
    {
        const auto took = [&](const char *key, bool &refused) {
            return std::any_of(uses.begin(), uses.end(), [&](const auto &use) {
                refused = refused || (use.key == key && !use.granted);
                return use.key == key && is_wanted(use);
            });
        };
        bool refused = false;
        const bool creates = took("create", refused), writes = took("write", refused);
        const auto used = std::find_if(end_.files.begin(), end_.files.end(),
                                       [&](const auto &one) { return one.name == files.name; });
        if (used == end_.files.end() || refused) {
            put_start_quotas(files, creates, writes);
            return;
        }
        constexpr std::uint64_t kStep = 1024;
        const std::uint64_t bytes = (used->bytes / kStep + 1) * 2 * kStep;
        if (creates || writes)
            text_ += "bytes = " + size_text(std::min(bytes, files.bytes)) + " # " +
                     std::to_string(used->bytes) + " in this run\n";
        if (creates)
            text_ += "files = " +
                     std::to_string(
                         std::min(std::max<std::uint64_t>(used->files_made, 1) * 2, files.files)) +
                     " # " + std::to_string(used->files_made) + " in this run\n";
    }

    // What was refused was not measured.
    void put_start_quotas(const FilesPolicy &files, bool creates, bool writes)
    {
        if ((creates || writes) && files.bytes != UINT64_MAX)
            text_ += "bytes = " + size_text(files.bytes) + "\n";
        if (creates && files.files != UINT64_MAX)
            text_ += "files = " + std::to_string(files.files) + "\n";
    }

    const Policy &start_;
    const AppEnd &end_;
    const bool with_refused_;
    std::string text_;
};

} // namespace

std::string Learner::Use::name() const
{
    return section_text(section) + " " + key + (value == "true" ? "" : " " + value);
}

std::string Learner::Use::first() const
{
    // Of a long path the beginning says enough; a cut character is none.
    constexpr std::size_t kShown = 200;
    std::string shown = argument.substr(0, kShown);
    while (shown.size() < argument.size() && !shown.empty() && !cell::toml_string(shown) &&
           shown.size() + 4 > kShown)
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
    std::map<Name, Use> all = seen_;
    for (const FilesPolicy &files : start_.files)
        for (const auto &[key, granted] : {std::pair{"read", files.read},
                                           {"write", files.write},
                                           {"create", files.create},
                                           {"remove", files.remove}})
            if (granted)
                all.try_emplace({{"files", files.name}, key, "true"},
                                Use{{"files", files.name}, key, "true", false, true, 0, {}, {}});
    std::vector<Use> result;
    for (auto &[name, use] : all)
        result.push_back(std::move(use));
    return result;
}

Result<std::string> Learner::policy(bool with_refused) const noexcept
{
    return cell::without_throwing([&] { return Writer(start_, end_, with_refused).write(uses()); });
}

} // namespace sbm
