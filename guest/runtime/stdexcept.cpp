// SPDX-License-Identifier: Apache-2.0
//
// The classes of <stdexcept>, whose constructors run before a throw reaches
// __cxa_throw. libstdc++'s own would bring in its locale and file code. A message
// is a plain copy, where libstdc++ counts references.
#include <stdexcept>
#include <string>

#include <string.h>

namespace std {

// The copy is left to the heap if there is no memory for it: the text is then empty.
__cow_string::__cow_string(const char *text, size_t size)
{
    char *copy = new (nothrow) char[size + 1];
    if (copy != nullptr) {
        memcpy(copy, text, size);
        copy[size] = '\0';
    }
    _M_p = copy;
}
__cow_string::__cow_string() : __cow_string("", 0) {}
__cow_string::__cow_string(const string &text) : __cow_string(text.data(), text.size()) {}
__cow_string::__cow_string(const __cow_string &other) noexcept
    : __cow_string(other._M_p != nullptr ? other._M_p : "",
                   other._M_p != nullptr ? strlen(other._M_p) : 0)
{
}
__cow_string::__cow_string(__cow_string &&other) noexcept
{
    _M_p = other._M_p;
    other._M_p = nullptr;
}
__cow_string &__cow_string::operator=(const __cow_string &other) noexcept
{
    return *this = __cow_string(other);
}
__cow_string &__cow_string::operator=(__cow_string &&other) noexcept
{
    swap(_M_p, other._M_p);
    return *this;
}
__cow_string::~__cow_string()
{
    delete[] _M_p;
}

#define SBM_ROOT_EXCEPTION(type)                                                                   \
    type::type(const char *text) : _M_msg(text, strlen(text)) {}                                   \
    type::type(const string &text) : _M_msg(text) {}                                               \
    type::type(const type &) noexcept = default;                                                   \
    type::type(type &&) noexcept = default;                                                        \
    type &type::operator=(const type &) noexcept = default;                                        \
    type &type::operator=(type &&) noexcept = default;                                             \
    type::~type() noexcept = default;                                                              \
    const char *type::what() const noexcept                                                        \
    {                                                                                              \
        return _M_msg._M_p != nullptr ? _M_msg._M_p : "";                                          \
    }
SBM_ROOT_EXCEPTION(logic_error)
SBM_ROOT_EXCEPTION(runtime_error)

#define SBM_EXCEPTION(type, base)                                                                  \
    type::type(const char *text) : base(text) {}                                                   \
    type::type(const string &text) : base(text) {}                                                 \
    type::~type() noexcept = default;
SBM_EXCEPTION(domain_error, logic_error)
SBM_EXCEPTION(invalid_argument, logic_error)
SBM_EXCEPTION(length_error, logic_error)
SBM_EXCEPTION(out_of_range, logic_error)
SBM_EXCEPTION(range_error, runtime_error)
SBM_EXCEPTION(overflow_error, runtime_error)
SBM_EXCEPTION(underflow_error, runtime_error)

} // namespace std
