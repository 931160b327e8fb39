// SPDX-License-Identifier: Apache-2.0

#include <string>

#include <gtest/gtest.h>

#include "algorithms.hpp"
#include "names.hpp"
#include "test_support.hpp"
#include "text.hpp"

namespace pgp::test {
namespace {

constexpr std::uint8_t kPublicKey = 6;
constexpr std::uint8_t kSecretKey = 5;

// The only packet's key; a test fails if there is none.
Key key_of(const Octets &input)
{
    const auto list = parse(input);
    EXPECT_TRUE(list) << (list ? "" : describe(list.problem()));
    if (!list || list->packets.size() != 1)
        return {};
    const Key *key = std::get_if<Key>(&list->packets[0].content);
    EXPECT_TRUE(key);
    return key ? *key : Key();
}

ErrorCode error_of_key(const Octets &body)
{
    return error_of(packet(kPublicKey, body));
}

std::string type_of(const Key &key)
{
    return key_type_name(key.algorithm, key.curve, key.bits);
}

Octets sized(const Octets &octets)
{
    return join({number(octets.size(), 1), octets});
}

Octets v6_key(std::uint8_t algorithm, const Octets &material)
{
    return join({{6}, number(1000000000, 4), {algorithm}, number(material.size(), 4), material});
}

Octets v3_key(std::uint8_t version, std::uint16_t days, const Octets &material)
{
    return join({{version}, number(800000000, 4), number(days, 2), {1}, material});
}

// The digests were computed with another program over the octets that RFC 9580
// §5.5.4 names.
TEST(KeyMaterial, FingerprintOfVersion3IsMd5OfTheNumbers)
{
    for (const std::uint8_t version : {std::uint8_t{2}, std::uint8_t{3}}) {
        const Key key = key_of(
            old_packet(kPublicKey, v3_key(version, 30, join({mpi(128), mpi_of({1, 0, 1})}))));
        EXPECT_EQ(hex(key.fingerprint), "E52850F3A66BF453BE568DCD7BB61E1F");
        EXPECT_EQ(hex(key.key_id), "5555555555555555");
        EXPECT_EQ(key.valid_days, 30U);
        EXPECT_EQ(key.created, 800000000U);
        EXPECT_EQ(type_of(key), "rsa1024");
    }
}

TEST(KeyMaterial, FingerprintOfVersion4IsSha1)
{
    const Key key = key_of(packet(kPublicKey, rsa_key(128)));
    EXPECT_EQ(hex(key.fingerprint), "4477E9B5057E42BC10EC8DDC232F4EB9A986FDD6");
    EXPECT_EQ(hex(key.key_id), "232F4EB9A986FDD6");
}

// RFC 9580 appendix A.1.
TEST(KeyMaterial, ReadsTheSampleVersion4Key)
{
    const std::string text = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
                             "xjMEU/NfCxYJKwYBBAHaRw8BAQdAPwmJlL3ZFu1AUxl5NOSofIBzOhKA1i+AEJku\n"
                             "Q+47JAY=\n"
                             "-----END PGP PUBLIC KEY BLOCK-----\n";
    const Key key = key_of(from_text(text));
    EXPECT_EQ(hex(key.fingerprint), "C959BDBAFA32A2F89A153B678CFDE12197965A9A");
    EXPECT_EQ(type_of(key), "ed25519");
    EXPECT_EQ(date_and_time(key.created), "2014-08-19 14:28:27");
}

struct Sample {
    std::uint8_t algorithm;
    Octets material;
    const char *type;
};

TEST(KeyMaterial, ReadsEveryAlgorithm)
{
    const Octets p256 = from_hex("2A8648CE3D030107");
    const Octets cv25519 = from_hex("2B060104019755010501");
    const Octets parameters = {1, 8, 7};
    const Sample samples[] = {
        {kRsa, join({mpi(256), mpi(3)}), "rsa2048"},
        {kRsaEncryptOnly, join({mpi(384), mpi(3)}), "rsa3072"},
        {kRsaSignOnly, join({mpi(512), mpi(3)}), "rsa4096"},
        {kElgamalEncryptOnly, join({mpi(256), mpi_of({5}), mpi(250)}), "elg2048"},
        {kElgamal, join({mpi(256), mpi_of({5}), mpi(250)}), "elg2048"},
        {kDsa, join({mpi(128), mpi(20), mpi(127), mpi(126)}), "dsa1024"},
        {kEcdsa, join({sized(p256), mpi_of(join({{4}, filled(64, 9)}))}), "nistp256"},
        {kEcdh, join({sized(p256), mpi_of(join({{4}, filled(64, 9)})), sized(parameters)}),
         "nistp256"},
        {kEcdh, join({sized(cv25519), mpi_of(join({{0x40}, filled(32, 9)})), sized(parameters)}),
         "cv25519"},
        {kX25519, filled(32, 1), "x25519"},
        {kX448, filled(56, 1), "x448"},
        {kEd25519, filled(32, 1), "ed25519"},
        {kEd448, filled(57, 1), "ed448"},
    };
    for (const Sample &sample : samples) {
        const Octets body = v4_key(sample.algorithm, sample.material);
        const Key key = key_of(packet(kPublicKey, body));
        EXPECT_TRUE(key.supported) << sample.type;
        EXPECT_EQ(type_of(key), sample.type);
        EXPECT_EQ(key.fingerprint.size(), 20U);
        // Every shorter body is cut off, every longer one has a surplus.
        for (std::size_t size = 0; size < body.size(); size++)
            EXPECT_EQ(error_of_key(
                          Octets(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size))),
                      ErrorCode::key_truncated)
                << sample.type << ' ' << size;
        EXPECT_EQ(error_of_key(join({body, {0}})), ErrorCode::key_surplus) << sample.type;
    }
}

TEST(KeyMaterial, KnowsTheCurves)
{
    for (const CurveName &name : kCurveNames) {
        const Octets oid(name.octets.begin(), name.octets.begin() + name.size);
        const Key key = key_of(packet(kPublicKey, v4_key(kEcdsa, join({sized(oid), mpi(65)}))));
        EXPECT_EQ(key.curve, name.curve);
        EXPECT_EQ(key.bits, name.bits);
        EXPECT_NE(curve_name(name.curve), "unknown");
    }
    const Key other = key_of(packet(kPublicKey, v4_key(kEcdsa, join({sized({1, 2}), mpi(65)}))));
    EXPECT_EQ(other.curve, Curve::unknown);
    EXPECT_EQ(other.bits, 0U);
    EXPECT_EQ(error_of_key(v4_key(kEcdsa, join({sized({}), mpi(65)}))),
              ErrorCode::key_bad_curve_name);
    EXPECT_EQ(error_of_key(v4_key(kEcdsa, join({sized(filled(255, 1)), mpi(65)}))),
              ErrorCode::key_bad_curve_name);
}

TEST(KeyMaterial, RefusesBadParametersOfEcdh)
{
    const auto with = [](const Octets &parameters) {
        return error_of_key(v4_key(
            kEcdh, join({sized(from_hex("2B060104019755010501")), mpi(33), sized(parameters)})));
    };
    EXPECT_EQ(with({1, 8, 7}), ErrorCode::none);
    EXPECT_EQ(with({2, 8, 7}), ErrorCode::key_bad_parameters);
    EXPECT_EQ(with({1, 8}), ErrorCode::key_bad_parameters);
    EXPECT_EQ(with({1, 8, 7, 0}), ErrorCode::key_bad_parameters);
    EXPECT_EQ(with({}), ErrorCode::key_bad_parameters);
}

TEST(KeyMaterial, ChecksNumbers)
{
    const auto with = [](const Octets &modulus) {
        return error_of_key(v4_key(kRsa, join({modulus, mpi(3)})));
    };
    EXPECT_EQ(with(mpi_of(join({{0x80}, filled(2047, 0)}))), ErrorCode::none);
    EXPECT_EQ(with(join({number(16385, 2), {1}, filled(2048, 0)})), ErrorCode::mpi_too_large);
    EXPECT_EQ(with({0xFF, 0xFF}), ErrorCode::mpi_too_large);
    EXPECT_EQ(with({0, 0}), ErrorCode::mpi_zero);
    EXPECT_EQ(with({0, 9, 1, 0}), ErrorCode::none);
    EXPECT_EQ(with({0, 10, 1, 0}), ErrorCode::mpi_not_normalised);
    EXPECT_EQ(with({0, 9, 2, 0}), ErrorCode::mpi_not_normalised);
    EXPECT_EQ(with({0, 8, 0}), ErrorCode::mpi_not_normalised);
}

TEST(KeyMaterial, ReadsVersion6)
{
    const Key key = key_of(packet(kPublicKey, v6_key(kEd25519, filled(32, 7))));
    EXPECT_EQ(key.fingerprint.size(), 32U);
    EXPECT_EQ(key.key_id, Octets(key.fingerprint.begin(), key.fingerprint.begin() + 8));
    const Octets body = v6_key(kEd25519, filled(32, 7));
    EXPECT_EQ(error_of_key(join({body, {0}})), ErrorCode::key_surplus);
    EXPECT_EQ(error_of_key(v6_key(kEd25519, filled(33, 7))), ErrorCode::key_surplus);
    EXPECT_EQ(error_of_key(v6_key(kEd25519, filled(31, 7))), ErrorCode::key_truncated);
    EXPECT_EQ(error_of_key({6, 0, 0, 0, 0, kEd25519, 255, 255, 255, 255}),
              ErrorCode::key_truncated);
}

TEST(KeyMaterial, RefusesAlgorithmsThatAVersionDoesNotHave)
{
    const Octets point = mpi_of(join({{0x40}, filled(32, 9)}));
    const Octets ed25519 = join({sized(from_hex("2B06010401DA470F01")), point});
    const Octets cv25519 = join({sized(from_hex("2B060104019755010501")), point, {3, 1, 8, 7}});
    EXPECT_EQ(error_of_key(v4_key(kEdDsaLegacy, ed25519)), ErrorCode::none);
    EXPECT_EQ(error_of_key(v6_key(kEdDsaLegacy, ed25519)),
              ErrorCode::key_algorithm_not_for_version);
    EXPECT_EQ(error_of_key(v6_key(kEcdh, cv25519)), ErrorCode::key_algorithm_not_for_version);
    Octets old = v3_key(3, 0, join({mpi(128), mpi(3)}));
    old[7] = kDsa;
    EXPECT_EQ(error_of_key(old), ErrorCode::key_algorithm_not_for_version);
}

TEST(KeyMaterial, UnknownVersionsAndAlgorithmsAreNoErrors)
{
    for (const int number : {0, 1, 5, 7, 255}) {
        const auto version = static_cast<std::uint8_t>(number);
        const Key key = key_of(packet(kPublicKey, {version, 1, 2, 3}));
        EXPECT_FALSE(key.supported);
        EXPECT_TRUE(key.fingerprint.empty());
    }
    const Key key = key_of(packet(kPublicKey, v4_key(99, {1, 2, 3})));
    EXPECT_FALSE(key.supported);
    EXPECT_EQ(key.fingerprint.size(), 20U);
    EXPECT_EQ(key_of(packet(kPublicKey, v6_key(99, {1, 2, 3}))).fingerprint.size(), 32U);
    EXPECT_TRUE(key_of(packet(kSecretKey, v4_key(99, {1, 2, 3}))).fingerprint.empty());
    EXPECT_EQ(error_of_key(v4_key(99, filled(65536, 0))), ErrorCode::key_too_large);
    EXPECT_EQ(error_of_key(v4_key(99, filled(kMaxKeyOctets - 6, 0))), ErrorCode::none);
}

TEST(KeyMaterial, SecretKeysHaveTheFingerprintsOfTheirPublicPart)
{
    const Octets secret = {0, 1, 2, 3, 4, 5, 6, 7};
    for (const Octets &body :
         {rsa_key(), v6_key(kEd25519, filled(32, 7)), v3_key(3, 0, join({mpi(128), mpi(3)}))}) {
        const Key key = key_of(packet(kSecretKey, join({body, secret})));
        EXPECT_TRUE(key.secret);
        EXPECT_EQ(key.fingerprint, key_of(packet(kPublicKey, body)).fingerprint);
    }
}

} // namespace
} // namespace pgp::test
