// SPDX-License-Identifier: Apache-2.0
//
// What comes back from a cell. Isolation keeps the code in the cell from doing
// harm; it does not make its answer right. The type makes the caller say how
// the answer is checked, or why it needs no check.
//
//     sbm::Untrusted<Header> header;
//     …
//     auto good = header.verify([&](const Header &h) { return h.length <= size; });
//     if (!good) return bad_file();
//     use(*good);
#ifndef SBM_UNTRUSTED_HPP
#define SBM_UNTRUSTED_HPP

#include <optional>
#include <type_traits>
#include <utility>

namespace sbm {

template <class T> class Untrusted {
public:
    using value_type = T;

    Untrusted() = default;
    explicit Untrusted(T value) : value_(std::move(value)) {}

    // The value if `check(value)` holds, else nothing.
    template <class Check> std::optional<T> verify(Check &&check) const
    {
        static_assert(std::is_invocable_r_v<bool, Check, const T &>,
                      "sbm: verify takes a predicate: bool(const T &)");
        if (!std::forward<Check>(check)(value_))
            return std::nullopt;
        return value_;
    }

    // What `check(value)` makes of it, for checks that turn the value into
    // another type: a parsed, bounded one.
    template <class Check> auto check_with(Check &&check) const
    {
        return std::forward<Check>(check)(value_);
    }

    // The value as it is. Give the reason for trusting it, for the reader.
    const T &trusted_because(const char * /*reason*/) const & { return value_; }
    T trusted_because(const char * /*reason*/) && { return std::move(value_); }

    // The storage that a call fills, for sizing it beforehand (a vector's
    // length) and for the library. Not a way to read the answer.
    T &storage() { return value_; }

private:
    T value_{};
};

} // namespace sbm

#endif
