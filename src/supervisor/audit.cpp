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

using Json = nlohmann::ordered_json;

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
void put_text(Json &to, const std::string &key, std::string_view text)
{
    to[key] = text;
    if (toml_string(text))
        return;
    std::string digits;
    for (const char c : text)
        for (const int shift : {4, 0})
            digits += "0123456789abcdef"[static_cast<unsigned char>(c) >> shift & 15];
    to[key + "_hex"] = digits;
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

} // namespace

template <class Fill> void Audit::line(const char *event, bool is_last, Fill &&fill) noexcept
{
    if (!sink_)
        return;
    try {
        Json json;
        json["time"] = time_text(clock_());
        json["host_process"] = ::getpid();
        json["event"] = event;
        fill(json);
        // In ASCII: terminals obey some of the other characters (U+0080 to U+009F), too.
        const std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
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
    line("start", false, [&](Json &json) {
        put_text(json, "app", start.app);
        json["bytes"] = start.content.size();
        json["sha256"] = sha256(start.content);
        put_text(json, "policy", start.policy);
        json["level"] = start.level;
    });
}

void Audit::denied(const system::Denial &denial) noexcept
{
    line("denied", false, [&](Json &json) {
        json["call"] = denial.call;
        put_text(json, "argument", denial.bytes);
        json["reason"] = denial.reason;
        json["would_allow"] = denial.would_allow;
    });
}

void Audit::end(const sbm::AppEnd &end, const Error *error) noexcept
{
    line("end", true, [&](Json &json) {
        if (error)
            json["error"] = {{"code", code_name(error->code())}, {"text", error->text()}};
        else
            json["status"] = end.status;
        json["calls"] = end.calls;
        json["denied"] = end.denied;
        json["delayed"] = end.delayed;
        json["output_bytes_lost"] = end.log_lost;
        json["audit_lines_lost"] = lost_;
    });
}

} // namespace cell::supervisor
