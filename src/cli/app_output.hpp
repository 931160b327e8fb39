// SPDX-License-Identifier: Apache-2.0
//
// What apps say, where a user looks at it.
#pragma once

#include <sbm/app.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace cli {

// Standard output and error of an app. A terminal obeys control characters, so that an app
// could make it say anything: there they are escaped.
class AppOutput {
public:
    void write(int stream, std::string_view text);

private:
    bool is_control(unsigned char byte) const;
    bool is_terminal(int stream);

    std::array<int, 2> terminals_{-1, -1}; // 0 or 1 once it is known
    // Of both streams, which may be one terminal.
    unsigned char last_ = 0;
};

// Denials on standard error. An app can make as many as it likes: only so many are told.
class DenialLines {
public:
    void tell(const sbm::DeniedCall &denied);

private:
    std::uint64_t told_ = 0;
};

// Writes a line of the program's own; what cannot be written is lost. Unlike fmt::print it does
// not throw, which nothing that an app's run calls may do.
void say(std::FILE *to, const std::string &line);

// `text` without what a terminal obeys.
std::string printable(std::string_view text);

} // namespace cli
