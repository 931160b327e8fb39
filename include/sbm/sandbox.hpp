// SPDX-License-Identifier: Apache-2.0
//
// Run a function of your own program in a cell: the C++ interface.
//
//     int first_word(sbm::In<char> text, sbm::Out<char> word)   // runs in the cell
//     {
//         std::size_t n = 0;
//         while (n < text.size() && n < word.size() && text[n] != ' ') {
//             word[n] = text[n];
//             n++;
//         }
//         return static_cast<int>(n);
//     }
//
//     auto sandbox = sbm::Sandbox::create({.level = sbm::Level::strongest});
//     if (!sandbox) return fail(sandbox.error().text());
//     sbm::Untrusted<std::array<char, 64>> word;
//     auto length = sandbox->call(first_word, text, word);
//     if (!length) return fail(length.error().text());
//     auto n = length->verify([](int n) { return n >= 0 && n <= 64; });
//
// The function's own signature says what is copied: In<T> into the cell, Out<T>
// back from it, InOut<T> both ways; other parameters travel by value. All types
// must be trivially copyable. Pointers inside data are not translated.
//
// An object (program or shared library) whose functions were called must stay loaded as
// long as the sandbox lives.
//
// Nothing here throws. A Sandbox may move between threads, but serves one call
// at a time. After fork it belongs to the parent.
#ifndef SBM_SANDBOX_HPP
#define SBM_SANDBOX_HPP

#ifdef SBM_SBM_H
#error "a source file takes either <sbm/sbm.h> or <sbm/sandbox.hpp>, not both"
#endif

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <sbm/buffer.hpp>
#include <sbm/proxy.h>
#include <sbm/result.hpp>
#include <sbm/types.h>
#include <sbm/untrusted.hpp>
#include <sbm/views.hpp>

#pragma GCC visibility push(default)
namespace sbm {

// What enforces a cell; docs/levels.md compares them.
enum class Level : int {
    strongest = SBM_LEVEL_STRONGEST,
    none = SBM_LEVEL_NONE,
    weak = SBM_LEVEL_WEAK,
    process = SBM_LEVEL_PROCESS,
    vm = SBM_LEVEL_VM,
};

inline constexpr std::chrono::nanoseconds no_limit = std::chrono::nanoseconds::max();

// How to make a cell. Limits hold for each call.
struct Options {
    Level level = Level::strongest;
    std::size_t memory = std::size_t{64} << 20; // bytes of heap inside the cell
    std::size_t stack = std::size_t{1} << 20;   // bytes of stack inside the cell
    std::chrono::nanoseconds cpu_time = std::chrono::seconds(10);
    std::chrono::nanoseconds wall_time = std::chrono::seconds(60);
    Guard guard = Guard::end;
};

// The report of an aborted call; <sbm/types.h> explains the fields.
using Fault = ::sbm_fault;

// The strong level that this machine really offers; Level::strongest if it offers none:
// `create` then says what is missing.
Level strongest() noexcept;

namespace detail {

class Core;    // the cell and its bookkeeping: src/call/core.hpp
class Untyped; // <sbm/detail/untyped.hpp>

struct CoreDeleter {
    void operator()(Core *core) const noexcept;
};

// One buffer of one call.
struct Transfer {
    const void *source;        // copied in from here, unless NULL
    void *target;              // copied back to here, unless NULL
    std::size_t size;          // bytes
    std::size_t alignment;     // of the element type
    void *address = nullptr;   // in the cell; this and the next two are filled in by acquire
    void *host = nullptr;      // the same bytes as the library sees them
    std::uint32_t place = 0;   // the library's own name for it
    void *shared = nullptr;    // a Buffer's memory: then `address` is given, and nothing copied
    bool writable = false;     // of that
};

// A function in the program's object that unpacks `arguments` and makes the call.
using Thunk = long (*)(void *arguments);

Result<void> acquire(Core &core, std::span<Transfer> transfers) noexcept;
Result<long> execute(Core &core, Thunk thunk, const void *arguments, std::size_t size,
                     std::span<Transfer> transfers) noexcept;

// Replaces the program's own code that makes many calls by the module's, if there is one.
// False if that has none.
bool find_batch(const Core &core, Thunk &thunk) noexcept;

// Was the sandbox made from this module?
bool is_of(const Core &core, const void *module) noexcept;
inline Error not_of_this_module() noexcept
{
    return {Errc::misuse, "the function belongs to another module than the sandbox"};
}

} // namespace detail
} // namespace sbm

#include <sbm/detail/call.hpp>
#include <sbm/detail/batch.hpp>
#include <sbm/detail/batch_call.hpp>
#include <sbm/detail/host_function.hpp>
#include <sbm/detail/signature.hpp>

namespace sbm {

class Module; // <sbm/module.hpp>

// A function that a module exports, found by Module::function. A plain value; it can be
// called as long as the module, or a sandbox made from it, lives.
template <class Signature> class Function;
template <class R, class... P> class Function<R(P...)> {
private:
    friend class Module;
    friend class Sandbox;
    Function(const void *module, detail::Thunk thunk) noexcept : module_(module), thunk_(thunk) {}
    const void *module_;
    detail::Thunk thunk_; // an address in cells
};

// A system call that the code of a module made and that cells do not do.
struct RefusedCall {
    std::string name;
    std::uint64_t count;
};

class Sandbox {
public:
    // A cell of the level asked for. The error says what is missing.
    static Result<Sandbox> create(const Options &options = {}) noexcept;

    Sandbox(Sandbox &&) noexcept = default;
    Sandbox &operator=(Sandbox &&) noexcept = default;

    // The level obtained; never Level::strongest.
    Level level() const noexcept;

    // Runs `function(arguments…)` in the cell and gives what it returned. For
    // In<T> pass a contiguous range of T or one T; for Out<T> and InOut<T> an
    // Untrusted<T>, Untrusted<std::array<T, N>> or Untrusted<std::vector<T>>,
    // whose size is what is copied. Outputs are written only on success. For either,
    // a Buffer<T> or a part of one is not copied at all (<sbm/buffer.hpp>).
    template <class R, class... P, class... A>
    Result<Untrusted<R>> call(R (*function)(P...), A &&...arguments) noexcept
    {
        return detail::call<R, P...>(*core_, detail::thunk<R, P...>, function,
                                     std::forward<A>(arguments)...);
    }
    template <class... P, class... A>
    Result<void> call(void (*function)(P...), A &&...arguments) noexcept
    {
        auto result = detail::call<char, P...>(*core_, detail::thunk<void, P...>, function,
                                               std::forward<A>(arguments)...);
        return result ? Result<void>() : Result<void>(result.error());
    }

    // The same for a function of the module that the sandbox was made from.
    template <class R, class... P, class... A>
    Result<Untrusted<R>> call(const Function<R(P...)> &function, A &&...arguments) noexcept
    {
        if (!detail::is_of(*core_, function.module_))
            return detail::not_of_this_module();
        return detail::call<R, P...>(*core_, function.thunk_, static_cast<R (*)(P...)>(nullptr),
                                     std::forward<A>(arguments)...);
    }
    template <class... P, class... A>
    Result<void> call(const Function<void(P...)> &function, A &&...arguments) noexcept
    {
        if (!detail::is_of(*core_, function.module_))
            return detail::not_of_this_module();
        auto result =
            detail::call<char, P...>(*core_, function.thunk_, static_cast<void (*)(P...)>(nullptr),
                                     std::forward<A>(arguments)...);
        return result ? Result<void>() : Result<void>(result.error());
    }

    // Many calls of one function in one entry into the cell, for functions that take less
    // time than the way there:
    //     auto results = sandbox.call_many(*score, std::vector{std::tuple(1, 2), std::tuple(3, 4)});
    // Each element has the arguments of one call, as `call` takes them; outputs in them are
    // written only if all calls succeed.
    template <class R, class... P, class Tuples>
    Result<std::vector<Untrusted<R>>> call_many(const Function<R(P...)> &function,
                                                Tuples &&calls) noexcept
    {
        if (!detail::is_of(*core_, function.module_))
            return detail::not_of_this_module();
        return detail::call_many<R, P...>(*core_, function.thunk_,
                                          static_cast<R (*)(P...)>(nullptr), calls);
    }
    template <class R, class... P, class Tuples>
    Result<std::vector<Untrusted<R>>> call_many(R (*function)(P...), Tuples &&calls) noexcept
    {
        return detail::call_many<R, P...>(*core_, detail::thunk<R, P...>, function, calls);
    }

    // Why the last call was aborted, or nullptr. Valid until the next call.
    const Fault *fault() const noexcept;

    // Modules: gives a function of the program to the code in the cell, which declares it by
    // SBM_IMPORT. The arguments are copied out of the cell once, buffers with them, and
    // checked to lie in it; `callable` then sees the copies only. The values in them are the
    // cell's, and may be anything: check them. It runs on the thread of the call, must not
    // use this sandbox, and an exception from it ends the call as refused. Misuse if the
    // module declares no such function, or another type: the error names both.
    template <class Signature, class Callable>
    Result<void> provide(std::string_view name, Callable &&callable) noexcept
    {
        try {
            return provide(name, detail::signature<Signature>.text,
                           detail::HostFunctionMaker<Signature>::make(
                               std::forward<Callable>(callable)));
        } catch (...) {
            return Error(Errc::no_memory, "the program has no memory left");
        }
    }

    // Modules: what the last call wrote to standard output and error, in printable form;
    // the first 8 KiB of it. Empty for in-place functions.
    std::string log() const;

    // Modules: the system calls that were answered with an error because cells do not have
    // them (open, socket, clone…), since the last reset.
    std::vector<RefusedCall> refused_calls() const;

    // Modules, and the one function here that another thread may call: ends the call that
    // is on, or if there is none the next one, with Errc::cancelled. False where that
    // cannot be done: for in-place functions.
    bool cancel() noexcept;

    // Hot calls: with a bound above zero, program and cell look for each other's words up
    // to that long before they sleep, on two processors, so that a call costs little more
    // than the way of a cache line between them. Neither looks when calls, or the pauses
    // between them, are usually longer than the bound: a cell that has nothing to do
    // costs no processor time. Zero, as at the start, is a hand-over through the kernel on
    // one processor. not_available without a second processor.
    Result<void> set_spin(std::chrono::nanoseconds bound) noexcept;

    // Memory and registers as after create. Needed after an aborted call.
    Result<void> reset() noexcept;

private:
    friend class Module;
    friend class detail::Untyped;
    explicit Sandbox(detail::Core *core) noexcept : core_(core) {}
    Result<void> provide(std::string_view name, std::string_view signature,
                         detail::HostFunction function) noexcept;
    std::unique_ptr<detail::Core, detail::CoreDeleter> core_;
};

} // namespace sbm
#pragma GCC visibility pop

#endif
