// SPDX-License-Identifier: Apache-2.0
//
// What apps say, where a user looks at it.
#pragma once

#include <sbm/app.hpp>

#include <cstdint>
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

// `text` without what a terminal obeys.
std::string printable(std::string_view text);

} // namespace cli
