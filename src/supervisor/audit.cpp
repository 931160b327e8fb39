// SPDX-License-Identifier: Apache-2.0
#include "supervisor/audit.hpp"

#include "base/sha256.hpp"
#include "base/toml.hpp"

#include <cstdio>
#include <ctime>
#include <exception>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace cell::supervisor {
namespace {

// One line. It is put together here, because an object of the library that has no memory for a
// member, or is given back without any, ends the program.
class Line {
public:
    void add(const char *key, std::string_view value)
    {
        // In ASCII: terminals obey some of the other characters (U+0080 to U+009F), too.
        add_raw(key, nlohmann::json(value).dump(-1, ' ', true,
                                                nlohmann::json::error_handler_t::replace));
    }
    void add(const char *key, std::uint64_t value) { add_raw(key, std::to_string(value)); }
    void add(const char *key, const Line &value) { add_raw(key, value.text()); }
    std::string text() const { return text_ + "}"; }

private:
    void add_raw(const char *key, const std::string &value)
    {
        text_ += (text_.size() > 1 ? ",\"" : "\"") + std::string(key) + "\":" + value;
    }
    std::string text_ = "{";
};

// RFC 3339, in UTC.
std::string time_text(std::uint64_t nanoseconds)
{
    const auto seconds = static_cast<std::time_t>(nanoseconds / 1'000'000'000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    const std::size_t size = std::strftime(text, sizeof text, "%FT%T", &parts);
    std::snprintf(text + size, sizeof text - size, ".%03uZ",
                  static_cast<unsigned>(nanoseconds / 1'000'000 % 1000));
    return text;
}

// A name that the app or somebody else made up. What is no UTF-8 would lose its odd bytes on
// the way, and is told in hexadecimal digits besides.
void put_text(Line &to, const std::string &key, std::string_view text)
{
    to.add(key.c_str(), text);
    if (toml_string(text))
        return;
    std::string digits;
    for (const char c : text)
        for (const int shift : {4, 0})
            digits += "0123456789abcdef"[static_cast<unsigned char>(c) >> shift & 15];
    to.add((key + "_hex").c_str(), digits);
}

const char *code_name(Errc code)
{
    switch (code) {
    case Errc::fault:
        return "fault";
    case Errc::timed_out:
        return "timed_out";
    case Errc::no_memory:
        return "no_memory";
    case Errc::not_available:
        return "not_available";
    case Errc::cancelled:
        return "cancelled";
    case Errc::misuse:
        return "misuse";
    }
    return "?";
}

Line error_line(const Error &error)
{
    Line line;
    line.add("code", code_name(error.code()));
    line.add("text", error.text());
    return line;
}

} // namespace

template <class Fill> void Audit::line(const char *event, bool is_last, Fill &&fill) noexcept
{
    if (!sink_)
        return;
    try {
        Line line;
        line.add("time", time_text(clock_()));
        line.add("host_process", static_cast<std::uint64_t>(::getpid()));
        line.add("event", event);
        fill(line);
        const std::string text = line.text();
        const std::uint64_t size = text.size() + 1;
        if (size <= left_ || is_last) {
            left_ -= std::min(size, left_);
            if (sink_(text))
                return;
        }
    } catch (const std::exception &) { // there is no memory: the app goes on
    }
    lost_++;
}

void Audit::start(const Start &start) noexcept
{
    line("start", false, [&](Line &line) {
        put_text(line, "app", start.app);
        line.add("bytes", start.content.size());
        line.add("sha256", sha256(start.content));
        put_text(line, "policy", start.policy);
        line.add("level", start.level);
    });
}

void Audit::denied(const system::Denial &denial) noexcept
{
    line("denied", false, [&](Line &line) {
        line.add("call", denial.call);
        put_text(line, "argument", denial.bytes);
        line.add("reason", denial.reason);
        line.add("would_allow", denial.would_allow);
    });
}

void Audit::end(const sbm::AppEnd &end, const Error *error) noexcept
{
    line("end", true, [&](Line &line) {
        if (error)
            line.add("error", error_line(*error));
        else
            line.add("status", static_cast<std::uint64_t>(end.status));
        line.add("calls", end.calls);
        line.add("denied", end.denied);
        line.add("delayed", end.delayed);
        line.add("output_bytes_lost", end.log_lost);
        line.add("audit_lines_lost", lost_);
    });
}

} // namespace cell::supervisor
