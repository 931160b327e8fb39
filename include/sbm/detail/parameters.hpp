// SPDX-License-Identifier: Apache-2.0
//
// The parameters of a call in memory, as the host writes and the cell reads them.
// Nothing here is for users.
#ifndef SBM_DETAIL_PARAMETERS_HPP
#define SBM_DETAIL_PARAMETERS_HPP

#include <cstddef>
#include <cstring>
#include <type_traits>

#include <sbm/views.hpp>

namespace sbm::detail {

template <class T> constexpr bool is_in = false;
template <class T> constexpr bool is_in<In<T>> = true;
template <class T> constexpr bool is_out = false;
template <class T> constexpr bool is_out<Out<T>> = true;
template <class T> constexpr bool is_inout = false;
template <class T> constexpr bool is_inout<InOut<T>> = true;

template <class P> constexpr bool is_buffer = is_in<P> || is_out<P> || is_inout<P>;

template <class T> using Element = std::remove_const_t<typename T::element_type>;

// Parameters in memory. Recursive, because std::tuple's layout is its own affair.
template <class... P> struct Pack {};
template <class P, class... Rest> struct Pack<P, Rest...> {
    P first;
    [[no_unique_address]] Pack<Rest...> rest;
};

template <class R, class... P> struct Arguments {
    R (*function)(P...);
    void *result; // in the cell, for a value that does not fit into a register
    Pack<P...> parameters;
};

template <class Function, class... Done>
auto apply(Function function, const Pack<> &, Done... done)
{
    return function(done...);
}
template <class Function, class P, class... Rest, class... Done>
auto apply(Function function, const Pack<P, Rest...> &pack, Done... done)
{
    return apply(function, pack.rest, done..., pack.first);
}

template <class R> constexpr bool fits_register = sizeof(R) <= sizeof(long);
template <> inline constexpr bool fits_register<void> = true;

// Calls `function` with the parameters, and leaves its value where the host reads it:
// in the register that is returned, if it fits.
template <class R, class... P>
long invoke(R (*function)(P...), const Arguments<R, P...> &arguments)
{
    if constexpr (std::is_void_v<R>) {
        apply(function, arguments.parameters);
        return 0;
    } else {
        R value = apply(function, arguments.parameters);
        long word = 0;
        std::memcpy(fits_register<R> ? &word : arguments.result, &value, sizeof value);
        return word;
    }
}

} // namespace sbm::detail

#endif
