// SPDX-License-Identifier: Apache-2.0
//
// Where two that look for each other run: on two processors.
#pragma once

#include "base/result.hpp"

#include <sched.h>
#include <sys/types.h>

namespace cell::os {

class Places {
public:
    Places() { CPU_ZERO(&allowed_); }

    // The processors that the calling thread may use now. not_available with one only.
    static Result<Places> of_caller() noexcept;

    // Is what was put elsewhere still apart from the caller? No system call.
    bool is_apart() const noexcept { return is_put() && place_ != ::sched_getcpu(); }
    // Is it still where the caller is?
    bool is_joined() const noexcept { return is_put() && place_ == ::sched_getcpu(); }
    bool is_put() const noexcept { return place_ >= 0; }

    // Puts another thread, or a process of one thread, on another processor than the caller's,
    // unless it is there already. True if it is there now.
    bool avoid_caller(pid_t thread) noexcept;

    // Puts it on the caller's: waking a sleeping processor costs ten times more than a
    // switch on this one.
    void join_caller(pid_t thread) noexcept;

    // Lets it run where the caller may.
    void let_go(pid_t thread) noexcept;

    // Forgets where the thread was put.
    void forget() noexcept { place_ = -1; }

private:
    bool put(pid_t thread, int processor) noexcept;

    cpu_set_t allowed_;
    int place_ = -1;
};

} // namespace cell::os
