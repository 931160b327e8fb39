// SPDX-License-Identifier: Apache-2.0
//
// Facts of RFC 9580 §9 about public-key algorithms: what their keys and
// signatures are made of, and the object identifiers of their curves. Constants
// only, used on both sides.
#ifndef PGP_KEYS_ALGORITHMS_HPP
#define PGP_KEYS_ALGORITHMS_HPP

#include <array>
#include <cstddef>
#include <cstdint>

#include "format.hpp"

namespace pgp {

enum Algorithm : std::uint8_t {
    kRsa = 1,
    kRsaEncryptOnly = 2,
    kRsaSignOnly = 3,
    kElgamalEncryptOnly = 16,
    kDsa = 17,
    kEcdh = 18,
    kEcdsa = 19,
    kElgamal = 20,
    kEdDsaLegacy = 22,
    kX25519 = 25,
    kX448 = 26,
    kEd25519 = 27,
    kEd448 = 28,
};

// The parts in their order. `native_size` is in octets, for a native part.
struct Layout {
    std::uint8_t count = 0; // 0: an algorithm that is not known
    std::uint8_t native_size = 0;
    std::array<ElementKind, kMaxElements> kinds{};
};

constexpr Layout key_layout(std::uint8_t algorithm)
{
    using enum ElementKind;
    switch (algorithm) {
    case kRsa:
    case kRsaEncryptOnly:
    case kRsaSignOnly:
        return {2, 0, {mpi, mpi}}; // n, e
    case kElgamalEncryptOnly:
    case kElgamal:
        return {3, 0, {mpi, mpi, mpi}}; // p, g, y
    case kDsa:
        return {4, 0, {mpi, mpi, mpi, mpi}}; // p, q, g, y
    case kEcdh:
        return {3, 0, {oid, mpi, parameters}};
    case kEcdsa:
    case kEdDsaLegacy:
        return {2, 0, {oid, mpi}};
    case kX25519:
    case kEd25519:
        return {1, 32, {native}};
    case kX448:
        return {1, 56, {native}};
    case kEd448:
        return {1, 57, {native}};
    default:
        return {};
    }
}

constexpr Layout signature_layout(std::uint8_t algorithm)
{
    using enum ElementKind;
    switch (algorithm) {
    case kRsa:
    case kRsaEncryptOnly:
    case kRsaSignOnly:
        return {1, 0, {mpi}};
    case kElgamalEncryptOnly:
    case kElgamal:
    case kDsa:
    case kEcdsa:
    case kEdDsaLegacy:
        return {2, 0, {mpi, mpi}};
    case kEd25519:
        return {1, 64, {native}};
    case kEd448:
        return {1, 114, {native}};
    default:
        return {};
    }
}

// The size of a key without MPIs that tell it, in bits; 0 if there is none.
constexpr std::uint32_t native_bits(std::uint8_t algorithm)
{
    switch (algorithm) {
    case kX25519:
    case kEd25519:
        return 255;
    case kX448:
    case kEd448:
        return 448;
    default:
        return 0;
    }
}

// RFC 9580 §9.5: the salt of a V6 signature in octets; 0 for a hash that has none.
constexpr std::uint8_t salt_size(std::uint8_t hash)
{
    switch (hash) {
    case 8:  // SHA2-256
    case 11: // SHA2-224
    case 12: // SHA3-256
        return 16;
    case 9: // SHA2-384
        return 24;
    case 10: // SHA2-512
    case 14: // SHA3-512
        return 32;
    default:
        return 0;
    }
}

// The content octets of a DER object identifier.
struct CurveName {
    Curve curve;
    std::uint16_t bits;
    std::uint8_t size;
    std::array<std::uint8_t, 10> octets;
};

inline constexpr std::array<CurveName, 13> kCurveNames = {{
    {Curve::nist_p256, 256, 8, {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07}},
    {Curve::nist_p384, 384, 5, {0x2B, 0x81, 0x04, 0x00, 0x22}},
    {Curve::nist_p521, 521, 5, {0x2B, 0x81, 0x04, 0x00, 0x23}},
    {Curve::brainpool_p256, 256, 9, {0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07}},
    {Curve::brainpool_p384, 384, 9, {0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0B}},
    {Curve::brainpool_p512, 512, 9, {0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0D}},
    {Curve::secp256k1, 256, 5, {0x2B, 0x81, 0x04, 0x00, 0x0A}},
    {Curve::ed25519, 255, 9, {0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x0F, 0x01}},
    {Curve::ed25519, 255, 3, {0x2B, 0x65, 0x70}},
    {Curve::curve25519, 255, 10, {0x2B, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01}},
    {Curve::curve25519, 255, 3, {0x2B, 0x65, 0x6E}},
    {Curve::ed448, 448, 3, {0x2B, 0x65, 0x71}},
    {Curve::x448, 448, 3, {0x2B, 0x65, 0x6F}},
}};

// The entry with that identifier, or nullptr.
constexpr const CurveName *find_curve(const std::uint8_t *octets, std::size_t size)
{
    for (const CurveName &name : kCurveNames) {
        bool same = name.size == size;
        for (std::size_t i = 0; same && i < size; i++)
            same = name.octets[i] == octets[i];
        if (same)
            return &name;
    }
    return nullptr;
}

// RFC 9580 §5.5.2 and §9.2: V2 and V3 keys are RSA keys; the encodings that were
// in use before RFC 9580 are not for V6 keys.
constexpr bool may_have_algorithm(std::uint8_t version, std::uint8_t algorithm, Curve curve)
{
    if (version < 4)
        return algorithm >= kRsa && algorithm <= kRsaSignOnly;
    if (version == 6)
        return algorithm != kEdDsaLegacy && !(algorithm == kEcdh && curve == Curve::curve25519);
    return true;
}

} // namespace pgp

#endif
