// SPDX-License-Identifier: Apache-2.0
#include "stop_signals.hpp"

#include <pthread.h>
#include <unistd.h>

namespace cli {

StopSignals::StopSignals()
{
    ::sigemptyset(&watched_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        struct sigaction action {};
        ::sigaction(signal, nullptr, &action);
        if (action.sa_handler != SIG_IGN)
            ::sigaddset(&watched_, signal);
    }
    ::sigaddset(&watched_, SIGURG); // our own, to end the thread: it does nothing elsewhere
    ::pthread_sigmask(SIG_BLOCK, &watched_, &old_);
    thread_ = std::thread([this] { watch(); });
}

StopSignals::~StopSignals()
{
    done_.store(true);
    ::pthread_kill(thread_.native_handle(), SIGURG);
    thread_.join();
    ::pthread_sigmask(SIG_SETMASK, &old_, nullptr);
}

void StopSignals::watch()
{
    for (;;) {
        int signal = 0;
        ::sigwait(&watched_, &signal);
        if (done_.load())
            return;
        if (signal == SIGURG)
            continue;
        if (received_.load() != 0)
            ::_exit(128 + signal);
        received_.store(signal);
        source_.request_stop();
    }
}

} // namespace cli
