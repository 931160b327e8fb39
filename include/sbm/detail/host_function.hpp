// SPDX-License-Identifier: Apache-2.0
//
// A host function for a module, taken apart for the library. Nothing here is for users.
#ifndef SBM_DETAIL_HOST_FUNCTION_HPP
#define SBM_DETAIL_HOST_FUNCTION_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>

#include <sbm/detail/parameters.hpp>

namespace sbm::detail {

// A buffer among the arguments.
struct HostField {
    enum class Kind : std::uint8_t { in, out, inout } kind;
    std::uint32_t offset;  // of the view in the arguments
    std::uint32_t element; // bytes
};

struct HostFunction {
    static constexpr std::size_t kFieldsMax = 8;
    std::uint32_t size = 0; // of the arguments
    std::uint32_t count = 0;
    std::array<HostField, kFieldsMax> fields{};
    // Gets a private copy of the arguments, whose views are of private copies.
    std::function<long(const void *)> enter;
};

template <class P> void add_field(HostFunction &to, std::size_t offset)
{
    static_assert(std::is_trivially_copyable_v<P> && !std::is_pointer_v<P>,
                  "sbm: what comes from a cell is a value or a buffer, never a pointer");
    if constexpr (is_buffer<P>) {
        using E = Element<P>;
        static_assert(std::is_trivially_copyable_v<E> && alignof(E) <= alignof(std::max_align_t));
        to.fields[to.count++] = {is_in<P>      ? HostField::Kind::in
                                 : is_inout<P> ? HostField::Kind::inout
                                               : HostField::Kind::out,
                                 static_cast<std::uint32_t>(offset),
                                 static_cast<std::uint32_t>(sizeof(E))};
    }
}

template <class... P> struct Fields;
template <> struct Fields<> {
    static void add(HostFunction &, std::size_t) {}
};
template <class P, class... Rest> struct Fields<P, Rest...> {
    static void add(HostFunction &to, std::size_t offset)
    {
        add_field<P>(to, offset + offsetof(Whole, first));
        if constexpr (sizeof...(Rest) != 0)
            Fields<Rest...>::add(to, offset + offsetof(Whole, rest));
    }
    using Whole = Pack<P, Rest...>;
};

template <class Signature> struct HostFunctionMaker;
template <class R, class... P> struct HostFunctionMaker<R(P...)> {
    static_assert(std::is_void_v<R> || (std::is_trivially_copyable_v<R> && fits_register<R>),
                  "sbm: a host function gives a value of eight bytes at most");
    static_assert((std::size_t{is_buffer<P>} + ... + 0) <= HostFunction::kFieldsMax,
                  "sbm: too many buffers");

    template <class Callable> static HostFunction make(Callable &&callable)
    {
        HostFunction made;
        made.size = sizeof(Pack<P...>);
        Fields<P...>::add(made, 0);
        made.enter = [call = std::forward<Callable>(callable)](const void *raw) -> long {
            const auto &pack = *static_cast<const Pack<P...> *>(raw);
            if constexpr (std::is_void_v<R>) {
                apply(call, pack);
                return 0;
            } else {
                const R value = apply(call, pack);
                long word = 0;
                std::memcpy(&word, &value, sizeof value);
                return word;
            }
        };
        return made;
    }
};

} // namespace sbm::detail

#endif
