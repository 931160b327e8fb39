// SPDX-License-Identifier: Apache-2.0
//
// The same as consumer.c by the C++ interface.
#include <sbm/sandbox.hpp>

#include <cstdio>

namespace {

int first_word(sbm::In<char> text, sbm::Out<char> word)
{
    std::size_t n = 0;
    while (n < text.size() && n < word.size() && text[n] != ' ') {
        word[n] = text[n];
        n++;
    }
    return static_cast<int>(n);
}

} // namespace

int main()
{
    auto sandbox = sbm::Sandbox::create();
    if (!sandbox) {
        std::fprintf(stderr, "%s\n", sandbox.error().text());
        return 1;
    }
    sbm::Untrusted<std::array<char, 64>> word;
    const auto length = sandbox->call(first_word, "installed and found", word);
    if (!length) {
        std::fprintf(stderr, "%s\n", length.error().text());
        return 1;
    }
    const auto n = length->verify([](int count) { return count >= 0 && count <= 64; });
    if (!n)
        return 1;
    const auto &text = word.trusted_because("printed only, in a test");
    std::printf("%s %.*s\n", sbm_level_name(static_cast<sbm_level>(sandbox->level())), *n,
                text.data());
}
