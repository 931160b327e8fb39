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

void AppOutput::write(int stream, std::string_view text)
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
        fmt::print(stderr, "sbm: denied: {} {}: {}; this would allow it:\n      {}\n", denied.call,
                   denied.argument, denied.reason, indented(denied.would_allow));
    else if (told_ == kMost + 1)
        fmt::print(stderr, "sbm: denied: more; --audit keeps them\n");
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
