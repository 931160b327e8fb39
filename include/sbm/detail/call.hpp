// SPDX-License-Identifier: Apache-2.0
//
// How Sandbox::call turns a typed call into bytes. Nothing here is for users.
#ifndef SBM_DETAIL_CALL_HPP
#define SBM_DETAIL_CALL_HPP

#include <sbm/detail/parameters.hpp>

namespace sbm::detail {

template <class T> constexpr bool is_untrusted = false;
template <class T> constexpr bool is_untrusted<Untrusted<T>> = true;

constexpr std::size_t largest_alignment = 4096;

// Is A a contiguous range of exactly E (const or not)?
template <class A, class E>
concept RangeOf = std::ranges::contiguous_range<A> && std::ranges::sized_range<A> &&
                  std::is_same_v<std::remove_cvref_t<std::ranges::range_reference_t<A>>, E>;

// A string literal or other char array that ends in a zero byte stands for its text.
template <class A, class E>
constexpr bool is_text =
    std::is_same_v<E, char> && std::is_array_v<std::remove_reference_t<A>> &&
    std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<A>>>;

template <class A> constexpr bool is_buffer_part = false;
template <class T> constexpr bool is_buffer_part<BufferPart<T>> = true;
template <class T> constexpr bool is_buffer_part<Buffer<T>> = true;

// The transfer of memory that is shared instead of copied.
template <class E> Transfer shared_transfer(const BufferPart<E> &part, bool writable)
{
    return {.source = nullptr,
            .target = nullptr,
            .size = part.size() * sizeof(E),
            .alignment = alignof(E),
            .address = part.address(),
            .host = part.address(),
            .shared = part.memory(),
            .writable = writable};
}
template <class E> Transfer shared_transfer(const Buffer<E> &buffer, bool writable)
{
    return shared_transfer<E>(buffer.all(), writable);
}

// The transfer of a value that does not come back: one E, or a range of E.
template <class E, class A> Transfer in_transfer(A &argument)
{
    if constexpr (RangeOf<A &, E>) {
        std::size_t count = std::ranges::size(argument);
        if constexpr (is_text<A &, E>)
            count -= count != 0 && std::ranges::data(argument)[count - 1] == '\0';
        return {std::ranges::data(argument), nullptr, count * sizeof(E), alignof(E)};
    } else {
        static_assert(std::is_same_v<std::remove_cv_t<A>, E>,
                      "sbm: an In<T> parameter takes a contiguous range of T or one T");
        return {std::addressof(argument), nullptr, sizeof(E), alignof(E)};
    }
}

template <class E, class A> Transfer out_transfer(A &argument, bool copy_in)
{
    static_assert(is_untrusted<A>, "sbm: an Out<T> or InOut<T> parameter takes an Untrusted<…>, "
                                   "since what comes back must be checked");
    auto &value = argument.storage();
    using Value = std::remove_reference_t<decltype(value)>;
    if constexpr (RangeOf<Value &, E>) {
        E *data = std::ranges::data(value);
        return {copy_in ? data : nullptr, data, std::ranges::size(value) * sizeof(E), alignof(E)};
    } else {
        static_assert(std::is_same_v<Value, E>,
                      "sbm: an Out<T> parameter takes Untrusted<T>, Untrusted<std::array<T, N>> "
                      "or Untrusted<std::vector<T>>");
        return {copy_in ? std::addressof(value) : nullptr, std::addressof(value), sizeof(E),
                alignof(E)};
    }
}

// Appends the transfer of one argument, if its parameter is a buffer.
template <class P, class A> void add_transfer(Transfer *list, std::size_t &count, A &argument)
{
    if constexpr (is_buffer<P>) {
        static_assert(std::is_trivially_copyable_v<Element<P>>,
                      "sbm: only trivially copyable types can cross into a cell");
        static_assert(alignof(Element<P>) <= largest_alignment,
                      "sbm: a type that crosses is aligned to a page at most");
    }
    if constexpr (is_buffer<P> && is_buffer_part<std::remove_const_t<A>>)
        list[count++] = shared_transfer<Element<P>>(argument, !is_in<P>);
    else if constexpr (is_in<P>)
        list[count++] = in_transfer<Element<P>>(argument);
    else if constexpr (is_buffer<P>)
        list[count++] = out_transfer<Element<P>>(argument, is_inout<P>);
}

// The parameter as the function in the cell receives it.
template <class P, class A> P parameter(const Transfer *list, std::size_t &count, A &argument)
{
    if constexpr (is_buffer<P>) {
        const Transfer &transfer = list[count++];
        return P(static_cast<typename P::element_type *>(transfer.address),
                 transfer.size / sizeof(Element<P>));
    } else {
        static_assert(std::is_trivially_copyable_v<P>,
                      "sbm: only trivially copyable types can cross into a cell");
        static_assert(!std::is_reference_v<P>,
                      "sbm: a reference would name memory of the host: use In<T> or InOut<T>");
        static_assert(std::is_convertible_v<A &, P>,
                      "sbm: the argument does not convert to the parameter's type");
        return static_cast<P>(argument);
    }
}

// Runs in the cell. Hidden, so that each object has its own: the image of a cell
// is made from the object that holds the thunk.
template <class R, class... P>
__attribute__((visibility("hidden"), noinline)) long thunk(void *raw)
{
    const auto &arguments = *static_cast<const Arguments<R, P...> *>(raw);
    return invoke(arguments.function, arguments);
}

template <class P, class... Rest, class A, class... More>
Pack<P, Rest...> make_nested(const Transfer *list, std::size_t &count, A &first, More &...more)
{
    P value = parameter<P>(list, count, first);
    if constexpr (sizeof...(Rest) == 0)
        return {value, {}};
    else
        return {value, make_nested<Rest...>(list, count, more...)};
}

template <class... P, class Tuple, std::size_t... I>
Pack<P...> make_pack(const Transfer *list, Tuple &arguments, std::index_sequence<I...>)
{
    std::size_t count = 0;
    if constexpr (sizeof...(P) == 0)
        return {};
    else
        return make_nested<P...>(list, count, std::get<I>(arguments)...);
}

// `Value` is what Untrusted wraps: R, or char for a function that returns void. The
// function is in the program's object, or NULL if the thunk knows it: in a module.
template <class Value, class... P, class R, class... A>
Result<Untrusted<Value>> call(Core &core, Thunk thunk, R (*function)(P...),
                              A &&...arguments) noexcept
{
    static_assert(sizeof...(P) == sizeof...(A), "sbm: wrong number of arguments");
    static_assert(std::is_void_v<R> || std::is_trivially_copyable_v<Value>,
                  "sbm: only trivially copyable types can come back from a cell");
    static_assert(alignof(Value) <= largest_alignment,
                  "sbm: a type that crosses is aligned to a page at most");
    std::array<Transfer, sizeof...(P) + 1> transfers;
    std::size_t count = 0;
    Value value{};
    if constexpr (sizeof...(P) == sizeof...(A))
        (add_transfer<P>(transfers.data(), count, arguments), ...);
    const std::size_t buffers = count;
    if constexpr (!fits_register<Value>)
        transfers[count++] = {nullptr, &value, sizeof value, alignof(Value)};
    const std::span<Transfer> used(transfers.data(), count);
    if (auto acquired = acquire(core, used); !acquired)
        return acquired.error();
    auto references = std::tie(arguments...);
    Arguments<R, P...> block{function, count > buffers ? transfers[buffers].address : nullptr,
                             make_pack<P...>(transfers.data(), references,
                                             std::index_sequence_for<P...>())};
    SBM_CLEAR_PADDING_(&block); // it holds what the stack held before
    auto word = execute(core, thunk, &block, sizeof block, used);
    if (!word)
        return word.error();
    if constexpr (fits_register<Value>)
        std::memcpy(&value, &*word, sizeof value);
    return Untrusted<Value>(value);
}

} // namespace sbm::detail

#endif
