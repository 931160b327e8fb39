// SPDX-License-Identifier: Apache-2.0
//
// Cells of one module for many threads.
//
//     auto pool = sbm::Pool::create(*module, {.cells = 8});
//     auto result = pool->call(*decode, file, pixels);         // any thread; a cell of its own
//     auto pending = pool->call_async(*decode, file, pixels);  // in the background
//     …
//     auto result = pending.get();
//
// Cells are prepared ahead and reset after each call, so that no call sees anything of
// another. When all are busy, callers wait their turn, and beyond a number of them are
// refused. Nothing here throws but std::bad_alloc from call_async.
#ifndef SBM_POOL_HPP
#define SBM_POOL_HPP

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <tuple>

#include <sbm/module.hpp>

#pragma GCC visibility push(default)
namespace sbm {

struct PoolOptions {
    std::size_t cells = 0;      // at most; 0 is one for each processor
    std::size_t warm = 1;       // made ahead, and never given up for being idle
    std::size_t waiting = 1024; // callers, and calls in the background, that may wait
    std::chrono::nanoseconds idle_time = std::chrono::seconds(10); // then cells beyond `warm` go
    bool reset_after_call = true;     // else only after a call that failed
    std::chrono::nanoseconds spin{0}; // see Sandbox::set_spin
    // For each new cell: a place to provide functions to it. They are then called by many
    // threads.
    std::function<Result<void>(Sandbox &)> prepare = nullptr;
};

// Since the pool was made, except for the last four.
struct PoolStatistics {
    std::uint64_t calls = 0;                      // ended, however
    std::uint64_t failed = 0;                     // of these
    std::uint64_t refused = 0;                    // because too many waited
    std::uint64_t cancelled = 0;                  // before they began or while they ran
    std::uint64_t created = 0, destroyed = 0;     // cells
    std::chrono::nanoseconds waited{0};           // all callers together, for a cell
    std::size_t cells = 0, busy = 0, waiting = 0; // now
    std::size_t most_busy = 0;
};

namespace detail {

class PoolState; // src/call/pool.cpp

// A call in the background, as the pool sees it.
class Task {
public:
    virtual ~Task() = default;
    // Makes the call, or takes an error for its result. True if it succeeded.
    virtual bool run(Sandbox &sandbox) = 0;
    virtual void fail(const Error &error) = 0;
    // Lets whoever waits for the result have it.
    virtual void publish() = 0;
};

// Where a call in the background is. Shared by its handle and the pool.
class TaskControl;
bool cancel(TaskControl &control) noexcept;

} // namespace detail

// A call that may not have ended yet. Owns what was given to the call.
template <class R, class... A> class Pending {
public:
    using Value = Result<Untrusted<std::conditional_t<std::is_void_v<R>, char, R>>>;

    // Waits for the end. Once.
    Value get() { return future_.get(); }
    void wait() const { future_.wait(); }
    bool is_ready() const
    {
        return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    }

    // The call's argument number I, after `get`: outputs are in it.
    template <std::size_t I> auto &argument() { return std::get<I>(*arguments_); }

    // Ends the call: `get` gives Errc::cancelled. False if it had ended already.
    bool cancel() noexcept { return detail::cancel(*control_); }

private:
    friend class Pool;
    Pending(std::future<Value> future, std::shared_ptr<std::tuple<A...>> arguments,
            std::shared_ptr<detail::TaskControl> control)
        : future_(std::move(future)), arguments_(std::move(arguments)), control_(std::move(control))
    {
    }
    std::future<Value> future_;
    std::shared_ptr<std::tuple<A...>> arguments_;
    std::shared_ptr<detail::TaskControl> control_;
};

class Pool {
public:
    // `cell` says level, limits and guard of the cells, as for Module::sandbox.
    static Result<Pool> create(const Module &module, const PoolOptions &options = {}) noexcept;
    static Result<Pool> create(const Module &module, const PoolOptions &options,
                               const Options &cell) noexcept;
    Pool(Pool &&) noexcept;
    Pool &operator=(Pool &&) noexcept;
    ~Pool(); // cancels what has not begun, waits for what has

    // As Sandbox::call, in some cell. From any number of threads. no_memory if too many
    // wait already.
    template <class R, class... P, class... A>
    auto call(const Function<R(P...)> &function, A &&...arguments) noexcept
        -> decltype(std::declval<Sandbox &>().call(function, std::forward<A>(arguments)...))
    {
        auto lease = take();
        if (!lease)
            return lease.error();
        auto result = (*lease)->call(function, std::forward<A>(arguments)...);
        give_back(*lease, static_cast<bool>(result));
        return result;
    }

    // The same in the background: arguments are moved or copied into the handle, and spans
    // in them must stay valid until the end.
    template <class R, class... P, class... A>
    Pending<R, std::decay_t<A>...> call_async(const Function<R(P...)> &function, A &&...arguments)
    {
        using Handle = Pending<R, std::decay_t<A>...>;
        auto kept = std::make_shared<std::tuple<std::decay_t<A>...>>(std::forward<A>(arguments)...);
        std::promise<typename Handle::Value> promise;
        auto future = promise.get_future();
        auto control = submit(
            std::make_unique<Call<typename Handle::Value, R(P...), std::tuple<std::decay_t<A>...>>>(
                function, kept, std::move(promise)));
        return Handle(std::move(future), std::move(kept), std::move(control));
    }

    PoolStatistics statistics() const noexcept;

private:
    template <class Value, class Signature, class Tuple> class Call final : public detail::Task {
    public:
        Call(const Function<Signature> &function, std::shared_ptr<Tuple> arguments,
             std::promise<Value> promise)
            : function_(function), arguments_(std::move(arguments)), promise_(std::move(promise))
        {
        }
        bool run(Sandbox &sandbox) override
        {
            auto result =
                std::apply([&](auto &...argument) { return sandbox.call(function_, argument...); },
                           *arguments_);
            if (!result)
                value_.emplace(result.error());
            else if constexpr (std::is_same_v<decltype(result), Result<void>>)
                value_.emplace(Untrusted<char>());
            else
                value_.emplace(std::move(*result));
            return static_cast<bool>(result);
        }
        void fail(const Error &error) override { value_.emplace(error); }
        void publish() override { promise_.set_value(std::move(*value_)); }

    private:
        Function<Signature> function_;
        std::shared_ptr<Tuple> arguments_;
        std::promise<Value> promise_;
        std::optional<Value> value_;
    };

    explicit Pool(std::shared_ptr<detail::PoolState> state) noexcept;
    Result<Sandbox *> take() noexcept;
    void give_back(Sandbox *sandbox, bool succeeded) noexcept;
    std::shared_ptr<detail::TaskControl> submit(std::unique_ptr<detail::Task> task);

    std::shared_ptr<detail::PoolState> state_;
};

} // namespace sbm
#pragma GCC visibility pop

#endif
