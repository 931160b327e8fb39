// SPDX-License-Identifier: Apache-2.0
//
// <sbm/pool.hpp>: cells taken and given back under one lock, and threads for calls in the
// background.
#include <sbm/pool.hpp>

#include "base/result.hpp"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <thread>
#include <vector>

namespace sbm {
namespace detail {

using Clock = std::chrono::steady_clock;

// All of it is guarded by the pool's lock, which outlives the pool with this.
class TaskControl {
public:
    enum class State { waiting, running, ended };

    explicit TaskControl(std::shared_ptr<std::mutex> lock) : lock_(std::move(lock)) {}

    std::shared_ptr<std::mutex> lock_;
    State state_ = State::waiting;
    bool cancelled_ = false;
    Sandbox *sandbox_ = nullptr; // while running
};

bool cancel(TaskControl &control) noexcept
{
    const std::lock_guard guard(*control.lock_);
    if (control.state_ == TaskControl::State::ended || control.cancelled_)
        return false;
    control.cancelled_ = true;
    // A call that waits is found cancelled when its turn comes.
    return control.state_ == TaskControl::State::waiting || control.sandbox_->cancel();
}

class PoolState {
public:
    PoolState(Module module, const PoolOptions &options, const std::optional<Options> &cell)
        : module_(std::move(module)), options_(options), cell_(cell)
    {
        if (options_.cells == 0)
            options_.cells = std::max(1U, std::thread::hardware_concurrency());
        options_.warm = std::min(options_.warm, options_.cells);
    }

    Result<void> prepare()
    {
        for (std::size_t i = 0; i < options_.warm; i++) {
            CELL_TRY(std::unique_ptr<Sandbox> made, make());
            idle_.push_back({std::move(made), Clock::now()});
            statistics_.cells++;
        }
        return {};
    }

    Result<Sandbox *> take()
    {
        std::unique_lock lock(*lock_);
        if (idle_.empty() && statistics_.cells >= options_.cells) {
            if (statistics_.waiting + tasks_.size() >= options_.waiting) {
                statistics_.refused++;
                return Error(Errc::no_memory, "too many calls wait for a cell of the pool");
            }
            await_cell(lock);
        }
        return take_locked(lock);
    }

    void give_back(Sandbox *sandbox, bool succeeded)
    {
        const bool clean = (succeeded && !options_.reset_after_call) || sandbox->reset();
        std::unique_ptr<Sandbox> broken; // destroyed without the lock
        std::vector<Idle> tired;
        {
            const std::lock_guard lock(*lock_);
            statistics_.busy--;
            auto lent = std::find_if(lent_.begin(), lent_.end(),
                                     [&](const auto &s) { return s.get() == sandbox; });
            std::unique_ptr<Sandbox> own = std::move(*lent);
            lent_.erase(lent);
            if (clean) {
                idle_.push_back({std::move(own), Clock::now()});
            } else {
                broken = std::move(own);
                forget_cell();
            }
            tired = take_tired();
        }
        free_.notify_one();
    }

    void count(bool succeeded)
    {
        statistics_.calls++;
        statistics_.failed += succeeded ? 0 : 1;
    }
    void count_locking(bool succeeded)
    {
        const std::lock_guard lock(*lock_);
        count(succeeded);
    }

    std::shared_ptr<TaskControl> submit(std::unique_ptr<Task> task)
    {
        auto control = std::make_shared<TaskControl>(lock_);
        std::unique_lock lock(*lock_);
        if (statistics_.waiting + tasks_.size() >= options_.waiting) {
            statistics_.refused++;
            control->state_ = TaskControl::State::ended;
            lock.unlock();
            const Error error(Errc::no_memory, "too many calls wait for a cell of the pool");
            task->fail(error);
            task->publish();
            return control;
        }
        tasks_.push_back({std::move(task), control});
        if (idle_threads_ == 0 && threads_.size() < options_.cells)
            start_thread();
        lock.unlock();
        work_.notify_one();
        return control;
    }

    PoolStatistics statistics() const
    {
        const std::lock_guard lock(*lock_);
        PoolStatistics result = statistics_;
        result.waiting += tasks_.size();
        return result;
    }

    // Ends the threads: what has begun is finished, the rest cancelled.
    void stop()
    {
        std::deque<Queued> rest;
        {
            const std::lock_guard lock(*lock_);
            stopping_ = true;
            rest.swap(tasks_);
        }
        work_.notify_all();
        for (Queued &queued : rest)
            end_cancelled(queued);
        for (std::thread &thread : threads_)
            thread.join();
    }

private:
    struct Idle {
        std::unique_ptr<Sandbox> sandbox;
        Clock::time_point since;
    };
    struct Queued {
        std::unique_ptr<Task> task;
        std::shared_ptr<TaskControl> control;
    };

    void await_cell(std::unique_lock<std::mutex> &lock)
    {
        const auto begin = Clock::now();
        statistics_.waiting++;
        free_.wait(lock, [&] { return !idle_.empty() || statistics_.cells < options_.cells; });
        statistics_.waiting--;
        statistics_.waited += Clock::now() - begin;
    }

    // With an idle cell, or room for one.
    Result<Sandbox *> take_locked(std::unique_lock<std::mutex> &lock)
    {
        std::unique_ptr<Sandbox> own;
        if (!idle_.empty()) {
            own = std::move(idle_.back().sandbox); // the last used is the warmest
            idle_.pop_back();
        } else {
            statistics_.cells++;
            lock.unlock();
            auto made = make();
            lock.lock();
            if (!made) {
                forget_cell();
                statistics_.destroyed--; // it never was
                free_.notify_one();
                return made.error();
            }
            own = std::move(*made);
        }
        statistics_.busy++;
        statistics_.most_busy = std::max(statistics_.most_busy, statistics_.busy);
        lent_.push_back(std::move(own));
        return lent_.back().get();
    }

    // Without the lock: takes long.
    Result<std::unique_ptr<Sandbox>> make()
    {
        CELL_TRY(Sandbox made, cell_ ? module_.sandbox(*cell_) : module_.sandbox());
        if (options_.spin.count() > 0)
            CELL_CHECK(made.set_spin(options_.spin));
        if (options_.prepare)
            CELL_CHECK(options_.prepare(made));
        const std::lock_guard lock(*lock_);
        statistics_.created++;
        return std::make_unique<Sandbox>(std::move(made));
    }

    void forget_cell()
    {
        statistics_.cells--;
        statistics_.destroyed++;
    }

    // Cells beyond the warm ones that nobody has needed for long.
    std::vector<Idle> take_tired()
    {
        std::vector<Idle> tired;
        const auto limit = Clock::now() - options_.idle_time;
        while (!idle_.empty() && statistics_.cells > options_.warm && idle_.front().since < limit) {
            tired.push_back(std::move(idle_.front()));
            idle_.erase(idle_.begin());
            forget_cell();
        }
        return tired;
    }

    void start_thread()
    {
        // Signals are for the program's own threads.
        sigset_t all, old;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &old);
        try {
            threads_.emplace_back([this] { work(); });
        } catch (const std::system_error &) {
            // Others will do the work; without any, the next submit tries again.
        }
        ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
    }

    void work()
    {
        std::unique_lock lock(*lock_);
        for (;;) {
            idle_threads_++;
            work_.wait(lock, [&] { return stopping_ || !tasks_.empty(); });
            idle_threads_--;
            if (tasks_.empty())
                return;
            Queued queued = std::move(tasks_.front());
            tasks_.pop_front();
            lock.unlock();
            run(queued);
            lock.lock();
        }
    }

    void run(Queued &queued)
    {
        TaskControl &control = *queued.control;
        Result<Sandbox *> lease = Error(Errc::cancelled, "the call was cancelled");
        {
            std::unique_lock lock(*lock_);
            if (!control.cancelled_) {
                if (idle_.empty() && statistics_.cells >= options_.cells)
                    await_cell(lock);
                lease = take_locked(lock);
            }
            if (lease && control.cancelled_) { // while it waited
                idle_.push_back({std::move(lent_.back()), Clock::now()});
                lent_.pop_back();
                statistics_.busy--;
                lease = Error(Errc::cancelled, "the call was cancelled");
            }
            if (lease) {
                control.state_ = TaskControl::State::running;
                control.sandbox_ = *lease;
            } else {
                control.state_ = TaskControl::State::ended;
                statistics_.cancelled += control.cancelled_ ? 1 : 0;
            }
        }
        if (!lease) {
            free_.notify_one();
            queued.task->fail(lease.error());
            queued.task->publish();
            return;
        }
        bool succeeded = queued.task->run(**lease);
        {
            const std::lock_guard lock(*lock_);
            control.state_ = TaskControl::State::ended;
            statistics_.cancelled += control.cancelled_ ? 1 : 0;
            count(succeeded);
            // A cancellation that came too late for the call must not meet the next one.
            succeeded = succeeded && !control.cancelled_;
        }
        queued.task->publish();
        give_back(*lease, succeeded);
    }

    void end_cancelled(Queued &queued)
    {
        {
            const std::lock_guard lock(*lock_);
            queued.control->state_ = TaskControl::State::ended;
            queued.control->cancelled_ = true;
            statistics_.cancelled++;
        }
        queued.task->fail(Error(Errc::cancelled, "the pool was destroyed"));
        queued.task->publish();
    }

    const Module module_;
    PoolOptions options_;
    const std::optional<Options> cell_;

    std::shared_ptr<std::mutex> lock_ = std::make_shared<std::mutex>(); // of all below
    std::condition_variable free_, work_;
    std::vector<Idle> idle_; // by the time of their last use
    std::vector<std::unique_ptr<Sandbox>> lent_;
    std::deque<Queued> tasks_;
    std::vector<std::thread> threads_;
    std::size_t idle_threads_ = 0;
    bool stopping_ = false;
    PoolStatistics statistics_;
};

} // namespace detail

namespace {

Result<std::shared_ptr<detail::PoolState>>
make_pool(const Module &module, const PoolOptions &options, const std::optional<Options> &cell)
{
    auto state = std::make_shared<detail::PoolState>(module, options, cell);
    CELL_CHECK(state->prepare());
    return state;
}

} // namespace

Result<Pool> Pool::create(const Module &module, const PoolOptions &options) noexcept
{
    auto state = cell::without_throwing([&] { return make_pool(module, options, std::nullopt); });
    return state ? Result<Pool>(Pool(std::move(*state))) : Result<Pool>(state.error());
}

Result<Pool> Pool::create(const Module &module, const PoolOptions &options,
                          const Options &cell) noexcept
{
    auto state = cell::without_throwing([&] { return make_pool(module, options, cell); });
    return state ? Result<Pool>(Pool(std::move(*state))) : Result<Pool>(state.error());
}

Pool::Pool(std::shared_ptr<detail::PoolState> state) noexcept : state_(std::move(state)) {}
Pool::Pool(Pool &&) noexcept = default;
Pool &Pool::operator=(Pool &&other) noexcept
{
    if (state_ && this != &other)
        state_->stop();
    state_ = std::move(other.state_);
    return *this;
}
Pool::~Pool()
{
    if (state_)
        state_->stop();
}

Result<Sandbox *> Pool::take() noexcept
{
    return cell::without_throwing([&] { return state_->take(); });
}

void Pool::give_back(Sandbox *sandbox, bool succeeded) noexcept
{
    state_->count_locking(succeeded);
    state_->give_back(sandbox, succeeded);
}

std::shared_ptr<detail::TaskControl> Pool::submit(std::unique_ptr<detail::Task> task)
{
    return state_->submit(std::move(task));
}

PoolStatistics Pool::statistics() const noexcept
{
    return state_->statistics();
}

} // namespace sbm
