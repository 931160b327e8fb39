// SPDX-License-Identifier: Apache-2.0
//
// SIGTERM, SIGINT and SIGHUP as a wish that an app ends. A second one ends the program.
#pragma once

#include <atomic>
#include <csignal>
#include <stop_token>
#include <thread>

namespace cli {

class StopSignals {
public:
    // From here on a thread waits for them, and nobody else gets them. Make it before there are
    // other threads. Those that the program was told to ignore stay ignored.
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals &) = delete;
    StopSignals &operator=(const StopSignals &) = delete;

    std::stop_token token() const { return source_.get_token(); }
    // The one that came, or 0.
    int received() const { return received_.load(); }

private:
    void watch();

    sigset_t watched_, old_;
    std::stop_source source_;
    std::atomic<int> received_{0};
    std::atomic<bool> done_{false};
    std::thread thread_;
};

} // namespace cli
