// SPDX-License-Identifier: Apache-2.0
//
// `sbm calls`: the table of system calls as a page.
#include "commands.hpp"

#include "abi/calls/calls.hpp"

#include <fmt/format.h>

#include <string>

namespace cli {
namespace {

using namespace sbm::calls;

const char *name_of(Element element)
{
    switch (element) {
    case Element::u8:
        return "u8";
    case Element::u16:
        return "u16";
    case Element::u32:
        return "u32";
    case Element::u64:
        return "u64";
    case Element::i16:
        return "i16";
    case Element::f32:
        return "f32";
    }
    return "?";
}

std::string type_text(Number)
{
    return "number";
}
const char *name_of(Kind kind)
{
    switch (kind) {
    case Kind::file:
        return "file";
    case Kind::timer:
        return "timer";
    case Kind::socket:
        return "socket";
    case Kind::listener:
        return "listener";
    case Kind::ping:
        return "ping";
    }
    return "?";
}

template <Kind K, Right R> std::string type_text(Handle<K, R>)
{
    return std::string(R == Right::read    ? "readable "
                       : R == Right::write ? "writable "
                                           : "") +
           name_of(K);
}
template <Element E> std::string type_text(Input<E>)
{
    return std::string("in ") + name_of(E);
}
std::string type_text(Payload)
{
    return "in u8";
}
template <Element E> std::string type_text(Output<E>)
{
    return std::string("out ") + name_of(E);
}

template <std::uint16_t N, Text Name, std::size_t Results, class... P>
void print(const Call<N, Name, Results, P...> &)
{
    std::string parameters;
    ((parameters += fmt::format("{}{} {}", parameters.empty() ? "" : ", ",
                                type_text(typename P::type()), P::name)),
     ...);
    fmt::print("| {:#06x} | `{}` | {} | {} |\n", N, Name.characters, parameters, Results);
}

template <class... C> void print_all(List<C...>)
{
    (print(C()), ...);
}

} // namespace

int calls()
{
    fmt::print("| number | call | parameters | results |\n|---|---|---|---|\n");
    print_all(Table());
    return kSuccess;
}

} // namespace cli
