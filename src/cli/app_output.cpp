// SPDX-License-Identifier: Apache-2.0
#include "app_output.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <unistd.h>

namespace cli {
namespace {

std::string indented(std::string_view lines)
{
    std::string result;
    for (const char c : lines)
        result += c == '\n' ? "\n      " : std::string(1, c);
    return result;
}

} // namespace

void say(std::FILE *to, const std::string &line)
{
    std::fwrite(line.data(), 1, line.size(), to);
    std::fputc('\n', to);
    std::fflush(to);
}

bool AppOutput::is_terminal(int stream)
{
    int &known = terminals_[stream == 1 ? 0 : 1];
    if (known < 0)
        known = ::isatty(stream) == 1;
    return known == 1;
}

void AppOutput::write(int stream, std::string_view text)
{
    std::FILE *to = stream == 1 ? stdout : stderr;
    std::string shown;
    if (is_terminal(stream)) {
        for (const char c : text) {
            const auto byte = static_cast<unsigned char>(c);
            shown += is_control(byte) ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
            last_ = byte;
        }
        text = shown;
    }
    std::fwrite(text.data(), 1, text.size(), to);
    std::fflush(to);
}

// U+0080 to U+009F, which some terminals obey too, are 0xc2 and this byte in UTF-8.
bool AppOutput::is_control(unsigned char byte) const
{
    if (last_ == 0xc2 && byte >= 0x80 && byte < 0xa0)
        return true;
    return (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
}

void DenialLines::tell(const sbm::DeniedCall &denied)
{
    constexpr std::uint64_t kMost = 100;
    if (told_++ < kMost)
        say(stderr,
            fmt::format("sbm: denied: {} {}: {}; this would allow it:\n      {}", denied.call,
                        denied.argument, denied.reason, indented(denied.would_allow)));
    else if (told_ == kMost + 1)
        say(stderr, "sbm: denied: more; the audit log of `sbm run --audit` has all");
}

std::string printable(std::string_view text)
{
    std::string result;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        result += byte < 0x20 || byte >= 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
    }
    return result;
}

} // namespace cli
