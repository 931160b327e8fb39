// SPDX-License-Identifier: Apache-2.0
//
// A thread that runs the processor of a virtual machine, so that the caller of a hot call
// can look for the answer at the same time. The processor is always run by the same
// thread: changing it costs the kernel a grace period.
#pragma once

#include "base/result.hpp"

#include <atomic>
#include <cstdint>
#include <ctime>
#include <memory>
#include <sys/types.h>
#include <thread>

namespace cell::backend::vm {

class Runner {
public:
    // `processor` is a vCPU that nobody else runs meanwhile.
    static Result<std::unique_ptr<Runner>> start(int processor);
    ~Runner(); // of one that has stopped
    Runner(const Runner &) = delete;
    Runner &operator=(const Runner &) = delete;

    // Lets the processor run until its next exit; returns at once.
    void enter();

    // Has it come to an exit, since which the run page belongs to the caller again?
    bool has_stopped() const { return state_.load() == kStopped; }
    void await_stop(std::uint64_t timeout_ns) const;

    // 0, or the errno of KVM_RUN, of the last exit.
    int failure() const { return failure_; }

    clockid_t clock() const { return clock_; } // processor time of the thread
    pid_t thread_id() const { return thread_id_.load(); }

    // In a forked child, where the thread is not.
    void abandon() noexcept;

private:
    enum State : std::uint32_t { kStopped, kRunning, kEnd };

    explicit Runner(int processor) : processor_(processor) {}
    void work() noexcept;
    void set(State state);

    const int processor_;
    std::thread thread_;
    std::atomic<std::uint32_t> state_{kStopped};
    int failure_ = 0;
    clockid_t clock_ = 0;
    std::atomic<pid_t> thread_id_{0};
};

} // namespace cell::backend::vm
