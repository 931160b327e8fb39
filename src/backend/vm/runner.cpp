// SPDX-License-Identifier: Apache-2.0
#include "backend/vm/runner.hpp"

#include "os/futex.hpp"
#include "os/kvm.hpp"

#include <cerrno>
#include <csignal>
#include <new>
#include <pthread.h>
#include <system_error>

namespace cell::backend::vm {

Result<std::unique_ptr<Runner>> Runner::start(int processor)
{
    std::unique_ptr<Runner> runner(new Runner(processor));
    // The thread must not take signals that are meant for the program.
    sigset_t all, old;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &old);
    int failure = 0;
    try {
        runner->thread_ = std::thread([self = runner.get()] { self->work(); });
    } catch (const std::system_error &thrown) {
        failure = thrown.code().value();
    }
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
    if (failure)
        return os_error(failure, "cannot start a thread for the cell");
    runner->thread_id_.wait(0);
    ::pthread_getcpuclockid(runner->thread_.native_handle(), &runner->clock_);
    return runner;
}

Runner::~Runner()
{
    if (!thread_.joinable())
        return;
    set(kEnd);
    thread_.join();
}

void Runner::abandon() noexcept
{
    static_cast<void>(new (std::nothrow) std::thread(std::move(thread_)));
}

void Runner::set(State state)
{
    state_.store(state);
    os::futex_wake(os::word_of(state_));
}

void Runner::enter()
{
    set(kRunning);
}

void Runner::await_stop(std::uint64_t timeout_ns) const
{
    if (!has_stopped())
        os::futex_wait(os::word_of(state_), kRunning, timeout_ns);
}

void Runner::work() noexcept
{
    thread_id_.store(static_cast<pid_t>(::syscall(SYS_gettid)));
    thread_id_.notify_all();
    for (;;) {
        std::uint32_t state;
        while ((state = state_.load()) == kStopped)
            os::futex_wait(os::word_of(state_), kStopped, UINT64_MAX);
        if (state == kEnd)
            return;
        do
            failure_ = os::run_processor(processor_);
        while (failure_ == EAGAIN);
        set(kStopped);
    }
}

} // namespace cell::backend::vm
