// SPDX-License-Identifier: Apache-2.0
#include <sbm/module.hpp>
#include <unpack_module.module.hpp> // the module's file, inside of this program

#include <array>
#include <cstdio>

int fail(const char *why)
{
    std::puts(why);
    return 1;
}

int main(int count, char **)
{
    std::array<unsigned char, 19> packed = {0x78, 0x9c, 0xcb, 0x48, 0xcd, 0xc9, 0xc9,
                                            0x57, 0x28, 0xcf, 0x2f, 0xca, 0x49, 0x01,
                                            0x00, 0x1a, 0x0b, 0x04, 0x5d};
    if (count > 1)
        packed[9] ^= 1; // somebody has changed a bit

    auto module = sbm::Module::load(unpack_module_module());
    if (!module)
        return fail(module.error().text());
    auto unpack = module->function<long(sbm::In<unsigned char>, sbm::Out<unsigned char>)>("unpack");
    auto sandbox = module->sandbox();
    sbm::Untrusted<std::array<unsigned char, 64>> text;
    auto result = sandbox->call(*unpack, packed, text);
    if (!result)
        return fail(result.error().text());
    auto size = result->verify([](long n) { return n >= 0 && n <= 64; });
    if (!size)
        return fail("zlib refuses it");
    std::printf("%.*s\n", static_cast<int>(*size), text.trusted_because("printed only").data());
}
