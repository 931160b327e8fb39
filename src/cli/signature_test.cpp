// SPDX-License-Identifier: Apache-2.0
//
// Signatures are read as the compiler wrote them, and argument structures lie as the
// compiler lays them out.
#include "signature.hpp"

#include <sbm/detail/parameters.hpp>
#include <sbm/detail/signature.hpp>

#include <gtest/gtest.h>

#include <cstdint>

struct Odd {
    char bytes[3];
};
struct Wide {
    std::uint64_t words[3];
};
struct alignas(64) Aligned {
    char byte;
};
template <class... T> struct Template {
    std::tuple<T...> *pointer;
};

namespace {

using cli::Parameter;
using cli::parse_signature;
using Kind = cli::Type::Kind;

// The offsets of a pack's members.
void add_offsets(std::vector<std::size_t> &, const char *, const sbm::detail::Pack<> &) {}
template <class P, class... Rest>
void add_offsets(std::vector<std::size_t> &offsets, const char *start,
                 const sbm::detail::Pack<P, Rest...> &pack)
{
    offsets.push_back(
        static_cast<std::size_t>(reinterpret_cast<const char *>(&pack.first) - start));
    add_offsets(offsets, start, pack.rest);
}

template <class R, class... P> void expect_layout()
{
    const std::string text = sbm::detail::make_signature<R(P...)>().text;
    const auto signature = parse_signature(text);
    ASSERT_TRUE(signature) << text << ": " << signature.error().text();
    const sbm::detail::Arguments<R, P...> arguments{};
    std::vector<std::size_t> offsets;
    add_offsets(offsets, reinterpret_cast<const char *>(&arguments), arguments.parameters);
    const cli::Layout layout = cli::layout_of(*signature);
    EXPECT_EQ(layout.offsets, offsets) << text;
    EXPECT_EQ(layout.size, sizeof arguments) << text;
}

TEST(Signature, LaysOutArgumentsAsTheCompilerDoes)
{
    using sbm::In, sbm::Out, sbm::InOut;
    expect_layout<void>();
    expect_layout<int, char>();
    expect_layout<void, char, char, std::uint64_t>();
    expect_layout<void, std::uint64_t, char, char>();
    expect_layout<void, char, short, int, long, short, char>();
    expect_layout<int, In<std::byte>, bool, Out<char>, float, InOut<double>, std::byte>();
    expect_layout<Wide, char, long double, char>();
    expect_layout<void, Odd, Odd, short, Odd, Wide, char, Wide>();
    expect_layout<void, char, Aligned, char>();
    expect_layout<Aligned, Template<int, char>, char, Template<Odd, Wide>, In<Aligned>>();
}

TEST(Signature, KnowsEveryTypeOfCpp)
{
    const auto signature =
        parse_signature("png::Header{8,4}(in<byte>, out<char>, inout<u16>, bool, i64, f32, f128, "
                        "out<std::pair<int, Foo<{3}, bar(int)>>{24,8}>)");
    ASSERT_TRUE(signature) << signature.error().text();
    EXPECT_FALSE(signature->is_c);
    EXPECT_EQ(signature->result.name, "png::Header");
    EXPECT_EQ(signature->result.size, 8U);
    ASSERT_EQ(signature->parameters.size(), 8U);
    const std::vector<std::string> texts = {"in<byte>", "out<char>", "inout<u16>", "bool",
                                            "i64",      "f32",       "f128"};
    for (std::size_t i = 0; i < texts.size(); i++)
        EXPECT_EQ(to_text(signature->parameters[i]), texts[i]);
    EXPECT_EQ(signature->parameters[7].type.name, "std::pair<int, Foo<{3}, bar(int)>>");
    EXPECT_EQ(signature->parameters[7].type.size, 24U);
}

TEST(Signature, KnowsTheTypesOfC)
{
    const auto signature =
        parse_signature("int(const unsigned char *, size_t, char *, unsigned, "
                        "long int unsigned, short, const struct thing *, double)");
    ASSERT_TRUE(signature) << signature.error().text();
    EXPECT_TRUE(signature->is_c);
    const auto &parameters = signature->parameters;
    ASSERT_EQ(parameters.size(), 8U);
    EXPECT_EQ(parameters[0].way, Parameter::Way::in);
    EXPECT_EQ(parameters[0].type.size, 1U);
    EXPECT_EQ(parameters[2].way, Parameter::Way::pointer);
    EXPECT_EQ(parameters[3].type.size, 4U);
    EXPECT_EQ(parameters[4].type.size, 8U);
    EXPECT_EQ(parameters[4].type.kind, Kind::natural);
    EXPECT_EQ(parameters[5].type.size, 2U);
    EXPECT_EQ(parameters[6].way, Parameter::Way::in);
    EXPECT_EQ(parameters[7].type.kind, Kind::floating);
    struct Members {
        const unsigned char *a;
        std::size_t b;
        char *c;
        unsigned d;
        unsigned long e;
        short f;
        const void *g;
        double h;
    };
    const cli::Layout layout = cli::layout_of(*signature);
    EXPECT_EQ(layout.size, sizeof(Members));
    EXPECT_EQ(layout.offsets[4], offsetof(Members, e));
    EXPECT_EQ(layout.offsets[6], offsetof(Members, g));
    EXPECT_TRUE(parse_signature("int(void)")->parameters.empty());
}

// They come from a file that may be anybody's.
TEST(Signature, RefusesWhatItDoesNotUnderstand)
{
    for (const char *text : {"",
                             "void",
                             "void(",
                             "void(i32",
                             "void(i32,i32)",
                             "void(i32, )",
                             "void() ",
                             "nothing()",
                             "void(void)",
                             "void(in<void>)",
                             "void(in<i32)",
                             "void(in<in<i32>>)",
                             "void(T{0,1})",
                             "void(T{8,3})",
                             "void(T{4,8})",
                             "void(T{8,8192})",
                             "void({8,8})",
                             "void(T{99999999,1})",
                             "void(T{4294967304,8})",
                             "int(",
                             "int(foo)",
                             "int(char **)",
                             "int(int (*)(int))",
                             "int(struct foo)",
                             "int(int",
                             "int(,)"})
        EXPECT_FALSE(parse_signature(text)) << text;
}

} // namespace
