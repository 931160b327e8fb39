// SPDX-License-Identifier: Apache-2.0
//
// `sbm run`: an app under a policy.
#include "commands.hpp"

#include <sbm/app.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <unistd.h>

namespace cli {
namespace {

// A terminal obeys control characters, so that an app could make it say anything.
class Output {
public:
    void write(int stream, std::string_view text)
    {
        std::FILE *to = stream == 1 ? stdout : stderr;
        const bool is_shown = ::isatty(::fileno(to)) == 1;
        for (const char c : text) {
            const auto byte = static_cast<unsigned char>(c);
            if (is_shown && is_control(byte))
                fmt::print(to, "\\x{:02x}", byte);
            else
                std::fputc(c, to);
            last_ = byte;
        }
        std::fflush(to);
    }

private:
    // U+0080 to U+009F, which some terminals obey too, are 0xc2 and this byte in UTF-8.
    bool is_control(unsigned char byte) const
    {
        if (last_ == 0xc2 && byte >= 0x80 && byte < 0xa0)
            return true;
        return (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
    }

    // Of both streams, which may be one terminal.
    unsigned char last_ = 0;
};

std::string indented(std::string_view lines)
{
    std::string result;
    for (const char c : lines)
        result += c == '\n' ? "\n      " : std::string(1, c);
    return result;
}

void tell_denial(const sbm::DeniedCall &denied)
{
    fmt::print(stderr, "sbm: denied: {} {}: {}; this would allow it:\n      {}\n", denied.call,
               denied.argument, denied.reason, indented(denied.would_allow));
}

int fail(const sbm::Error &error)
{
    fmt::print(stderr, "sbm run: {}\n", error.text());
    return kNotRun;
}

} // namespace

int run_app(const RunOptions &options)
{
    sbm::Policy policy;
    if (!options.policy.empty()) {
        auto loaded = sbm::Policy::load(options.policy);
        if (!loaded)
            return fail(loaded.error());
        policy = std::move(*loaded);
    }
    Output output;
    sbm::AppOptions how;
    sbm_level level = SBM_LEVEL_STRONGEST;
    sbm_level_from_name(options.level.c_str(), &level);
    how.level = static_cast<sbm::Level>(level);
    how.arguments = options.arguments;
    how.arguments.insert(how.arguments.begin(), options.app);
    how.output = [&output](int stream, std::string_view text) { output.write(stream, text); };
    how.denied = tell_denial;
    if (options.trace)
        how.trace = [](const sbm::TracedCall &call) { fmt::print(stderr, "sbm: {}\n", call.line()); };
    const auto ended = sbm::run_app(options.app, policy, how);
    if (!ended)
        return fail(ended.error());
    if (ended->log_lost)
        fmt::print(stderr, "sbm: {} bytes of output were more than [limits] log allows\n",
                   ended->log_lost);
    return ended->status;
}

} // namespace cli
