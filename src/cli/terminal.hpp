// SPDX-License-Identifier: Apache-2.0
//
// Colour and progress, only where somebody looks at a terminal.
#pragma once

#include <string>
#include <string_view>

namespace cli {

enum class Colour { green, red, yellow, bold };

// `text` in colour if standard output is a terminal and NO_COLOR is not set.
std::string coloured(Colour colour, std::string_view text);

// `text` broken between words into lines of the terminal's width, each but the
// first after `indent` spaces. In one line where there is no terminal.
std::string wrapped(std::string_view text, std::size_t indent);

// One line on standard error that is overwritten and finally erased; nothing if
// that is no terminal.
class Progress {
public:
    Progress();
    ~Progress() { clear(); }
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;

    void show(std::string_view text);
    void clear();

private:
    bool enabled_;
    bool shown_ = false;
};

} // namespace cli
