// SPDX-License-Identifier: Apache-2.0
//
// The audit log of an app: lines of JSON, of which there are only so many bytes.
#pragma once

#include "system/system.hpp"

#include <sbm/app.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace cell::supervisor {

class Audit {
public:
    using Sink = std::function<bool(std::string_view)>;

    // An empty sink is no log. `clock` gives nanoseconds since 1970.
    Audit(const Sink &sink, std::uint64_t bytes, std::function<std::uint64_t()> clock)
        : sink_(sink), left_(bytes), clock_(std::move(clock))
    {
    }

    struct Start {
        std::string_view app;
        std::span<const std::byte> content; // of its file
        std::string_view policy, level;
    };
    void start(const Start &start) noexcept;
    void denied(const system::Denial &denial) noexcept;
    // The last line; `error` is nullptr if the app ended by itself.
    void end(const sbm::AppEnd &end, const Error *error) noexcept;

    std::uint64_t lost() const { return lost_; }

private:
    template <class Fill> void line(const char *event, bool is_last, Fill &&fill) noexcept;

    const Sink &sink_;
    std::uint64_t left_; // bytes
    std::function<std::uint64_t()> clock_;
    std::uint64_t lost_ = 0; // lines
};

} // namespace cell::supervisor
