// SPDX-License-Identifier: Apache-2.0
#include "terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace cli {
namespace {

const char *code_of(Colour colour)
{
    switch (colour) {
    case Colour::green:
        return "\033[32m";
    case Colour::red:
        return "\033[31m";
    case Colour::yellow:
        return "\033[33m";
    case Colour::bold:
        return "\033[1m";
    }
    return "";
}

// Columns of the terminal on standard output, or 0.
std::size_t terminal_width()
{
    winsize size{};
    if (!::isatty(STDOUT_FILENO) || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

} // namespace

std::string coloured(Colour colour, std::string_view text)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the program never changes its environment
    const char *no_colour = std::getenv("NO_COLOR");
    static const bool is_terminal = ::isatty(STDOUT_FILENO) != 0;
    if (!is_terminal || (no_colour && *no_colour))
        return std::string(text);
    return fmt::format("{}{}\033[0m", code_of(colour), text);
}

std::string wrapped(std::string_view text, std::size_t indent)
{
    constexpr std::size_t kNarrowest = 20;
    const std::size_t terminal = terminal_width();
    if (terminal < indent + kNarrowest)
        return std::string(text);
    const std::size_t width = terminal - indent;
    std::string result;
    while (text.size() > width) {
        std::size_t cut = text.rfind(' ', width);
        if (cut == std::string_view::npos || cut == 0)
            cut = std::min(text.find(' ', width), text.size());
        result.append(text.substr(0, cut)).append("\n").append(indent, ' ');
        text.remove_prefix(std::min(cut + 1, text.size()));
    }
    return result.append(text);
}

Progress::Progress() : enabled_(::isatty(STDERR_FILENO) != 0) {}

void Progress::show(std::string_view text)
{
    if (!enabled_)
        return;
    fmt::print(stderr, "\r\033[K{}", text);
    std::fflush(stderr);
    shown_ = true;
}

void Progress::clear()
{
    if (!shown_)
        return;
    fmt::print(stderr, "\r\033[K");
    std::fflush(stderr);
    shown_ = false;
}

} // namespace cli
