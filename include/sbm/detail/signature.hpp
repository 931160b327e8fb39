// SPDX-License-Identifier: Apache-2.0
//
// A function's type as text, made by the compiler, the same in host and module:
//
//     i32(in<byte>, out<png::Pixel{4,1}>, u64)
//
// Integers by sign and bits, other types by name with size and alignment. Nothing here
// is for users.
#ifndef SBM_DETAIL_SIGNATURE_HPP
#define SBM_DETAIL_SIGNATURE_HPP

#include <cstddef>
#include <string_view>
#include <type_traits>

#include <sbm/detail/parameters.hpp>

namespace sbm::detail {

// Text that grows while compiling.
struct SignatureBuilder {
    char text[4096] = {};
    std::size_t size = 0;

    constexpr void add(std::string_view part)
    {
        for (const char c : part)
            text[size++] = c; // beyond the end: does not compile
    }
    constexpr void add_number(std::size_t value)
    {
        char digits[20] = {};
        std::size_t count = 0;
        do {
            digits[count++] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
        while (count != 0)
            text[size++] = digits[--count];
    }
};

// The name of T as compilers spell it in "… [with T = name]" or "… [T = name]".
template <class T> constexpr std::string_view spelled_name()
{
    const std::string_view all = __PRETTY_FUNCTION__;
    const std::size_t start = all.find("T = ") + 4;
    return all.substr(start, all.find_first_of(";]", start) - start);
}

template <class T> constexpr void add_type(SignatureBuilder &to)
{
    if constexpr (is_in<T> || is_out<T> || is_inout<T>) {
        to.add(is_in<T> ? "in<" : is_inout<T> ? "inout<" : "out<");
        add_type<Element<T>>(to);
        to.add(">");
    } else if constexpr (std::is_void_v<T>) {
        to.add("void");
    } else if constexpr (std::is_same_v<T, bool>) {
        to.add("bool");
    } else if constexpr (std::is_same_v<T, char>) {
        to.add("char");
    } else if constexpr (std::is_same_v<T, std::byte>) {
        to.add("byte");
    } else if constexpr (std::is_arithmetic_v<T>) {
        to.add(std::is_floating_point_v<T> ? "f" : std::is_signed_v<T> ? "i" : "u");
        to.add_number(sizeof(T) * 8);
    } else {
        to.add(spelled_name<T>());
        to.add("{");
        to.add_number(sizeof(T));
        to.add(",");
        to.add_number(alignof(T));
        to.add("}");
    }
}

template <class Function> struct FunctionText;
template <class R, class... P> struct FunctionText<R(P...)> {
    static constexpr SignatureBuilder build()
    {
        SignatureBuilder to;
        add_type<R>(to);
        to.add("(");
        [[maybe_unused]] bool first = true;
        ((to.add(first ? "" : ", "), first = false, add_type<P>(to)), ...);
        to.add(")");
        return to;
    }
};

template <std::size_t Size> struct SignatureText {
    char text[Size];
};

// The text of Function, with its zero byte.
template <class Function> constexpr auto make_signature()
{
    constexpr SignatureBuilder built = FunctionText<Function>::build();
    SignatureText<built.size + 1> result{};
    for (std::size_t i = 0; i < built.size; i++)
        result.text[i] = built.text[i];
    return result;
}

template <class Function> inline constexpr auto signature = make_signature<Function>();

} // namespace sbm::detail

#endif
