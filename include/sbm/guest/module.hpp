// SPDX-License-Identifier: Apache-2.0
//
// Functions of a module, in C++. A module is a static program without a main of its own,
// linked with libsbm-guest.a (docs/modules.md); the host calls what it exports:
//
//     #include <sbm/guest/module.hpp>
//
//     int decode(sbm::In<std::byte> file, sbm::Out<std::byte> pixels) { … }
//     SBM_EXPORT(decode);
//
// The function's signature says what is copied, as for sbm::Sandbox::call; it is kept in
// the file, and the host that looks the function up must name the same. An exception
// that leaves the function ends the call, and the host's error says its type and what().
//
// Names of exported functions are unique in a module, whatever their namespaces.
#ifndef SBM_GUEST_MODULE_HPP
#define SBM_GUEST_MODULE_HPP

#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <typeinfo>

#include <sbm/detail/export.h>
#include <sbm/detail/parameters.hpp>
#include <sbm/detail/signature.hpp>
#include <sbm/views.hpp>

namespace sbm::detail {

#ifdef __cpp_exceptions
// Reports the exception that is being handled.
[[noreturn]] inline void report_exception(const char *what)
{
    const std::type_info *type = abi::__cxa_current_exception_type();
    int status = 0;
    char *name = type ? abi::__cxa_demangle(type->name(), nullptr, nullptr, &status) : nullptr;
    sbm_guest_threw(name ? name : type ? type->name() : "of unknown type", what);
}
#endif

// Runs `function` with the arguments that the host wrote at `raw`.
template <class R, class... P> long run_export(R (*function)(P...), const void *raw)
{
    static_assert((std::is_trivially_copyable_v<P> && ...) &&
                      (std::is_void_v<R> || std::is_trivially_copyable_v<R>),
                  "sbm: only trivially copyable types can cross into a cell");
    sbm_guest_begin();
    const auto &arguments = *static_cast<const Arguments<R, P...> *>(raw);
#ifdef __cpp_exceptions
    try {
        return invoke(function, arguments);
    } catch (const std::exception &thrown) {
        report_exception(thrown.what());
    } catch (...) {
        report_exception(nullptr);
    }
#else
    return invoke(function, arguments);
#endif
}

// What SBM_IMPORT declares: calls the host, with a copy of the arguments.
template <class Signature> class Import;
template <class R, class... P> class Import<R(P...)> {
    static_assert((std::is_trivially_copyable_v<P> && ...),
                  "sbm: only trivially copyable types can leave a cell");
    static_assert(std::is_void_v<R> || (std::is_trivially_copyable_v<R> && fits_register<R>),
                  "sbm: a host function gives a value of eight bytes at most");

public:
    constexpr explicit Import(const char &record) : record_(record) {}

    R operator()(P... parameters) const
    {
        const Pack<P...> pack = make(parameters...);
        const long word = sbm_guest_call_host(&record_, &pack);
        if constexpr (!std::is_void_v<R>) {
            R value;
            std::memcpy(&value, &word, sizeof value);
            return value;
        }
    }

private:
    static Pack<> make() { return {}; }
    template <class First, class... Rest> static Pack<First, Rest...> make(First first, Rest... rest)
    {
        return {first, make(rest...)};
    }
    const char &record_;
};

} // namespace sbm::detail

// Declares a function that the host gives to the module by Sandbox::provide:
//     SBM_IMPORT(read_more, long(std::uint64_t offset, sbm::Out<std::byte> target));
//     const long count = read_more(100, {buffer, sizeof buffer});
// In<T> is copied to the host, Out<T> back from it, InOut<T> both ways. A call of what the
// host did not provide ends the call of the module.
#define SBM_IMPORT(f, ...)                                                                 \
    extern "C" {                                                                           \
    extern const char __sbm_import_##f;                                                    \
    extern const decltype(::sbm::detail::make_signature<__VA_ARGS__>())                    \
        __sbm_import_signature_##f;                                                        \
    [[gnu::used]] constexpr decltype(::sbm::detail::make_signature<__VA_ARGS__>())         \
        __sbm_import_signature_##f = ::sbm::detail::make_signature<__VA_ARGS__>();         \
    }                                                                                      \
    SBM_IMPORT_RECORD_(f);                                                                 \
    inline constexpr ::sbm::detail::Import<__VA_ARGS__> f(__sbm_import_##f)

// Exports the function `f`, after its definition or declaration.
#define SBM_EXPORT(f)                                                                      \
    extern "C" {                                                                           \
    extern const decltype(::sbm::detail::make_signature<decltype(f)>()) __sbm_signature_##f; \
    [[gnu::used]] constexpr decltype(::sbm::detail::make_signature<decltype(f)>())         \
        __sbm_signature_##f = ::sbm::detail::make_signature<decltype(f)>();                \
    [[gnu::used]] long __sbm_thunk_##f(void *raw)                                          \
    {                                                                                      \
        return ::sbm::detail::run_export(f, raw);                                          \
    }                                                                                      \
    }                                                                                      \
    SBM_EXPORT_RECORD_(f)

#endif
