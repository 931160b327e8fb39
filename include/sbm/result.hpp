// SPDX-License-Identifier: Apache-2.0
//
// A value or an error, without exceptions and without allocation. The interface
// is a part of std::expected, which g++ 12 does not have for C++20.
#ifndef SBM_RESULT_HPP
#define SBM_RESULT_HPP

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>
#include <variant>

namespace sbm {

// What went wrong, by what the caller can do about it.
enum class Errc : int {
    fault = EFAULT,         // the code in the cell misbehaved: distrust the input, see fault()
    timed_out = ETIMEDOUT,  // it used up its time: distrust the input, or allow more
    no_memory = ENOMEM,     // the host has too little memory: free some or try later
    not_available = ENOSYS, // this machine does not offer that: choose another level
    cancelled = ECANCELED,  // the program ended the call itself
    misuse = EINVAL,        // the program uses the interface wrongly: mend the program
};

// An error code with one sentence of reason. A plain value of fixed size.
class Error {
public:
    Error(Errc code, std::string_view text) noexcept : code_(code)
    {
        const std::size_t size = text.size() < sizeof text_ ? text.size() : sizeof text_ - 1;
        std::memcpy(text_, text.data(), size);
        text_[size] = '\0';
    }
    // Copies the text and not the room for it. A Result that holds a value, which is what
    // calls hand from layer to layer, is then not copied as if it held an error.
    Error(const Error &other) noexcept : Error(other.code_, other.text_) {}
    Error &operator=(const Error &other) noexcept
    {
        code_ = other.code_;
        std::memmove(text_, other.text_, std::strlen(other.text_) + 1);
        return *this;
    }

    Errc code() const noexcept { return code_; }
    const char *text() const noexcept { return text_; }

private:
    Errc code_;
    char text_[252];
};

// Either a T or an Error. Reading the wrong one ends the program, as with an
// empty std::optional under assertions: ask `if (result)` first.
template <class T> class [[nodiscard]] Result {
public:
    Result(T value) noexcept : content_(std::in_place_index<0>, std::move(value)) {}
    Result(const Error &error) noexcept : content_(std::in_place_index<1>, error) {}

    explicit operator bool() const noexcept { return content_.index() == 0; }
    bool has_value() const noexcept { return content_.index() == 0; }

    T &value() & noexcept { return *std::get_if<0>(&content_); }
    const T &value() const & noexcept { return *std::get_if<0>(&content_); }
    T &&value() && noexcept { return std::move(*std::get_if<0>(&content_)); }
    T &operator*() & noexcept { return value(); }
    const T &operator*() const & noexcept { return value(); }
    T &&operator*() && noexcept { return std::move(*this).value(); }
    T *operator->() noexcept { return &value(); }
    const T *operator->() const noexcept { return &value(); }

    const Error &error() const noexcept { return *std::get_if<1>(&content_); }

private:
    std::variant<T, Error> content_;
};

template <> class [[nodiscard]] Result<void> {
public:
    Result() noexcept {} // not defaulted, which would clear all of it
    Result(const Error &error) noexcept : content_(error) {}

    explicit operator bool() const noexcept { return content_.index() == 0; }
    bool has_value() const noexcept { return content_.index() == 0; }
    const Error &error() const noexcept { return *std::get_if<1>(&content_); }

private:
    std::variant<std::monostate, Error> content_;
};

} // namespace sbm

#endif
