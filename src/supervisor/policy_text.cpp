// SPDX-License-Identifier: Apache-2.0
#include "supervisor/policy_text.hpp"

#include "base/result.hpp"
#include "base/toml.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <span>

namespace cell::supervisor {
namespace {

using sbm::FilesPolicy;
using sbm::Policy;
using Use = sbm::Learner::Use;
using Uses = std::span<const Use>;

std::string size_text(std::uint64_t bytes)
{
    for (const auto &[name, shift] : {std::pair{"GiB", 30U}, {"MiB", 20U}, {"KiB", 10U}})
        if (bytes != 0 && bytes % (std::uint64_t{1} << shift) == 0)
            return "\"" + std::to_string(bytes >> shift) + " " + name + "\"";
    return "\"" + std::to_string(bytes) + " B\"";
}

std::string time_text(std::chrono::nanoseconds time)
{
    constexpr std::int64_t kMillisecond = 1'000'000;
    const bool is_whole = time.count() % kMillisecond == 0;
    return "\"" + std::to_string(is_whole ? time.count() / kMillisecond : time.count()) +
           (is_whole ? " ms\"" : " ns\"");
}

// A TOML date and time, in UTC.
std::string moment_text(std::chrono::nanoseconds since)
{
    const auto seconds = static_cast<std::time_t>(since.count() / 1'000'000'000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[40];
    const std::size_t size = std::strftime(text, sizeof text, "%FT%T", &parts);
    std::snprintf(text + size, sizeof text - size, ".%09uZ",
                  static_cast<unsigned>(since.count() % 1'000'000'000));
    return text;
}

std::string list_text(const std::vector<std::string> &list)
{
    std::string text;
    for (const std::string &one : list)
        text += (text.empty() ? "" : ", ") + toml_string(one).value_or("\"\"");
    return "[" + text + "]";
}

// Lines of a section, in which there may be none.
struct Lines {
    std::string text;
    void put(const char *key, const std::string &value, bool is_wanted)
    {
        if (is_wanted)
            text += std::string(key) + " = " + value + "\n";
    }
    std::string with_head(const char *head) const
    {
        return text.empty() ? text : std::string(head) + "\n" + text + "\n";
    }
};

// What `start` says that an empty policy does not.
std::string limits_text(const Policy &start)
{
    const Policy standard;
    Lines limits, time, random;
    limits.put("memory", size_text(start.memory), start.memory != standard.memory);
    limits.put("cpu_time", time_text(start.cpu_time), start.cpu_time != standard.cpu_time);
    limits.put("wall_time", time_text(start.wall_time), start.wall_time != standard.wall_time);
    limits.put("handles", std::to_string(start.handles), start.handles != standard.handles);
    limits.put("log", size_text(start.log), start.log != standard.log);
    limits.put("calls_per_second", std::to_string(start.calls_per_second),
               start.calls_per_second != standard.calls_per_second);
    time.put("resolution", time_text(start.time.resolution),
             start.time.resolution != standard.time.resolution);
    time.put("offset", time_text(start.time.offset), start.time.offset.count() != 0);
    if (start.time.start)
        time.put("start", moment_text(*start.time.start), true);
    time.put("step", time_text(start.time.step), start.time.step.count() != 0);
    if (start.seed)
        random.put("seed", std::to_string(*start.seed), true);
    return limits.with_head("[limits]") + time.with_head("[time]") + random.with_head("[random]");
}

std::string calls_text(const Use &use)
{
    return (use.granted ? "" : "refused: ") + std::to_string(use.calls) +
           (use.calls == 1 ? " call: " : " calls, the first: ") + use.first();
}

// Twice what a run took and one step more, but not more than `start` says.
std::uint64_t room(std::uint64_t took, std::uint64_t step, std::uint64_t start)
{
    constexpr std::uint64_t kMost = std::uint64_t{1} << 60;
    return took > kMost ? start : std::min((took / step + 1) * 2 * step, start);
}

class Writer {
public:
    Writer(const Policy &start, const sbm::AppEnd &end, bool with_refused)
        : start_(start), end_(end), with_refused_(with_refused)
    {
    }

    Result<std::string> write(Uses uses)
    {
        text_ =
            "# The least policy for what an app did in one run. Read it before it is used.\n\n" +
            limits_text(start_);
        while (!uses.empty()) {
            const auto next = std::find_if(uses.begin(), uses.end(), [&](const Use &use) {
                return use.section != uses.front().section;
            });
            const auto count = static_cast<std::size_t>(next - uses.begin());
            CELL_CHECK(put_section(uses.first(count)));
            uses = uses.subspan(count);
        }
        return text_;
    }

private:
    bool is_wanted(const Use &use) const
    {
        return use.calls != 0 &&
               (use.granted || (with_refused_ && find_files(start_, use.section)));
    }
    bool is_any_wanted(Uses uses) const
    {
        return std::any_of(uses.begin(), uses.end(),
                           [&](const Use &use) { return is_wanted(use); });
    }

    Result<void> put_section(Uses uses)
    {
        if (std::all_of(uses.begin(), uses.end(), [](const Use &use) { return use.calls == 0; }))
            return {};
        const auto &section = uses.front().section;
        const FilesPolicy *files = find_files(start_, section);
        const bool is_any = is_any_wanted(uses);
        const std::string mark = is_any ? "" : "# ";
        text_ += mark + section_text(section) + "\n";
        if (files)
            CELL_CHECK(put_path(*files, mark));
        else if (section.front() == "files")
            text_ += mark + "path = \"/...\" # no folder was named for this one\n";
        for (std::size_t i = 0; i < uses.size(); i++)
            if (!uses[i].in_list)
                put_value(uses[i]);
            else if (i == 0 || uses[i - 1].key != uses[i].key)
                put_list(uses.subspan(i));
        if (files && is_any)
            put_files_rest(*files, uses);
        if (section.front() == "network" && is_any && start_.network)
            put_network_rest(*start_.network);
        text_ += "\n";
        return {};
    }

    Result<void> put_path(const FilesPolicy &files, const std::string &mark)
    {
        std::error_code failed;
        const std::string path = std::filesystem::absolute(files.path, failed).lexically_normal();
        const auto said = toml_string(path);
        if (failed || !said)
            return error(Errc::misuse, "no policy can name the folder of %s",
                         section_text({"files", files.name}).c_str());
        text_ += mark + "path = " + *said + "\n";
        return {};
    }

    void put_value(const Use &use)
    {
        if (use.calls != 0)
            text_ += (is_wanted(use) ? "" : "# ") + use.key + " = " + use.value + " # " +
                     calls_text(use) + "\n";
    }

    // All values of the first one's key.
    void put_list(Uses uses)
    {
        const std::string &key = uses.front().key;
        std::vector<Use> values;
        for (const Use &use : uses)
            if (use.key == key && use.calls != 0)
                values.push_back(use);
        if (values.empty())
            return;
        const bool is_any = is_any_wanted(values);
        text_ += (is_any ? "" : "# ") + key + " = [\n";
        for (const Use &use : values)
            text_ +=
                (is_wanted(use) ? "    " : "#   ") + use.value + ", # " + calls_text(use) + "\n";
        text_ += is_any ? "]\n" : "# ]\n";
    }

    // Rights to read and remove need no quota; those that were refused were not measured.
    void put_files_rest(const FilesPolicy &files, Uses uses)
    {
        bool creates = false, writes = false, is_measured = true;
        for (const Use &use : uses) {
            const bool grows = use.key == "create" || use.key == "write";
            creates = creates || (use.key == "create" && is_wanted(use));
            writes = writes || (grows && is_wanted(use));
            is_measured = is_measured && (!grows || use.granted);
        }
        const auto used = std::find_if(end_.files.begin(), end_.files.end(),
                                       [&](const auto &one) { return one.name == files.name; });
        is_measured = is_measured && used != end_.files.end();
        const std::uint64_t bytes =
            is_measured ? room(used->bytes, 1024, files.bytes) : files.bytes;
        const std::uint64_t made =
            is_measured ? room(used->files_made, 1, files.files) : files.files;
        if (writes)
            put_quota("bytes", bytes, size_text(bytes), is_measured ? used->bytes : UINT64_MAX);
        if (creates)
            put_quota("files", made, std::to_string(made),
                      is_measured ? used->files_made : UINT64_MAX);
    }

    void put_quota(const char *key, std::uint64_t value, const std::string &text,
                   std::uint64_t used)
    {
        if (value == UINT64_MAX)
            return;
        text_ += std::string(key) + " = " + text +
                 (used == UINT64_MAX ? " # not measured"
                                     : " # " + std::to_string(used) + " in this run") +
                 "\n";
    }

    // What was refused stays refused, and who is asked for names is not the app's affair.
    void put_network_rest(const sbm::NetworkPolicy &network)
    {
        if (!network.refuse.empty())
            text_ += "refuse = " + list_text(network.refuse) + "\n";
        if (!network.addresses.empty())
            text_ += "addresses = " + list_text(network.addresses) + " # not measured\n";
        if (!network.servers.empty())
            text_ += "servers = " + list_text(network.servers) + "\n";
        const std::uint64_t bytes = room(end_.network_bytes, 1024, network.bytes);
        put_quota("bytes", bytes, size_text(bytes), end_.network_bytes);
        const std::uint64_t connections = room(end_.connections, 1, network.connections);
        put_quota("connections", connections, std::to_string(connections), end_.connections);
    }

    const Policy &start_;
    const sbm::AppEnd &end_;
    const bool with_refused_;
    std::string text_;
};

} // namespace

std::string section_text(const std::vector<std::string> &section)
{
    std::string text = "[";
    for (const std::string &part : section)
        text += (text.size() > 1 ? "." : "") + toml_key(part).value_or("?");
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

Result<std::string> policy_text(const Policy &start, const sbm::AppEnd &end,
                                const std::vector<Use> &uses, bool with_refused)
{
    return Writer(start, end, with_refused).write(uses);
}

} // namespace cell::supervisor
