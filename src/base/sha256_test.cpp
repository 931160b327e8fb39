// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.hpp"

#include <gtest/gtest.h>
#include <string_view>

namespace cell {
namespace {

std::string of(std::string_view text)
{
    return sha256(std::as_bytes(std::span(text)));
}

// The examples of FIPS 180-4, and each length around the ends of blocks, by Python.
TEST(Sha256, IsThatOfTheStandard)
{
    EXPECT_EQ(of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(of(std::string(1'000'000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    std::string all;
    for (std::size_t size = 0; size <= 200; size++)
        all += of(std::string(size, 'x'));
    EXPECT_EQ(of(all), "75013a3fd49991ead9d8a57ea80485c088443c3406a0e8fa003ed57144041eb4");
}

} // namespace
} // namespace cell
