// SPDX-License-Identifier: Apache-2.0
//
// The registries of RFC 9580: packet types (§5), algorithms (§9), signature types
// (§5.2.1), subpackets (§5.2.3.7, §5.12), key flags (§5.2.3.29).

#include "names.hpp"

#include <array>
#include <span>

#include "algorithms.hpp"

namespace pgp {
namespace {

struct Entry {
    unsigned number;
    std::string_view name;
};

std::string_view find(std::span<const Entry> entries, unsigned number, std::string_view otherwise)
{
    for (const Entry &entry : entries) {
        if (entry.number == number)
            return entry.name;
    }
    return otherwise;
}

constexpr std::array<std::string_view, 22> kPackets = {
    "reserved",
    "public-key encrypted session key",
    "signature",
    "symmetric-key encrypted session key",
    "one-pass signature",
    "secret key",
    "public key",
    "secret subkey",
    "compressed data",
    "symmetrically encrypted data",
    "marker",
    "literal data",
    "trust",
    "user id",
    "public subkey",
    "unassigned (critical)",
    "unassigned (critical)",
    "user attribute",
    "symmetrically encrypted and integrity protected data",
    "modification detection code",
    "aead encrypted data (reserved)",
    "padding",
};

constexpr Entry kAlgorithms[] = {
    {kRsa, "rsa"},
    {kRsaEncryptOnly, "rsa (encrypt only)"},
    {kRsaSignOnly, "rsa (sign only)"},
    {kElgamalEncryptOnly, "elgamal"},
    {kDsa, "dsa"},
    {kEcdh, "ecdh"},
    {kEcdsa, "ecdsa"},
    {kElgamal, "elgamal (encrypt and sign)"},
    {21, "diffie-hellman (reserved)"},
    {kEdDsaLegacy, "eddsa"},
    {23, "aedh (reserved)"},
    {24, "aedsa (reserved)"},
    {kX25519, "x25519"},
    {kX448, "x448"},
    {kEd25519, "ed25519"},
    {kEd448, "ed448"},
};

constexpr Entry kHashes[] = {
    {1, "md5"},     {2, "sha1"},    {3, "ripemd160"}, {8, "sha256"},    {9, "sha384"},
    {10, "sha512"}, {11, "sha224"}, {12, "sha3-256"}, {14, "sha3-512"},
};

constexpr Entry kSignatureTypes[] = {
    {0x00, "binary document"},
    {0x01, "text document"},
    {0x02, "standalone"},
    {0x10, "generic certification"},
    {0x11, "persona certification"},
    {0x12, "casual certification"},
    {0x13, "positive certification"},
    {0x16, "attestation"},
    {0x18, "subkey binding"},
    {0x19, "primary key binding"},
    {0x1F, "direct key"},
    {0x20, "key revocation"},
    {0x28, "subkey revocation"},
    {0x30, "certification revocation"},
    {0x40, "timestamp"},
    {0x50, "third-party confirmation"},
    {0xFF, "reserved"},
};

constexpr Entry kSubpackets[] = {
    {2, "signature creation time"},
    {3, "signature expiration time"},
    {4, "exportable certification"},
    {5, "trust signature"},
    {6, "regular expression"},
    {7, "revocable"},
    {9, "key expiration time"},
    {10, "placeholder"},
    {11, "preferred ciphers"},
    {12, "revocation key"},
    {16, "issuer key id"},
    {20, "notation data"},
    {21, "preferred hashes"},
    {22, "preferred compression"},
    {23, "key server preferences"},
    {24, "preferred key server"},
    {25, "primary user id"},
    {26, "policy uri"},
    {27, "key flags"},
    {28, "signer's user id"},
    {29, "reason for revocation"},
    {30, "features"},
    {31, "signature target"},
    {32, "embedded signature"},
    {33, "issuer fingerprint"},
    {34, "preferred aead algorithms (reserved)"},
    {35, "intended recipient fingerprint"},
    {37, "attested certifications (reserved)"},
    {38, "key block (reserved)"},
    {39, "preferred aead ciphersuites"},
};

constexpr Entry kFlags[] = {
    {0x01, "certify"},         {0x02, "sign"},        {0x04, "encrypt-communication"},
    {0x08, "encrypt-storage"}, {0x10, "split"},       {0x20, "authenticate"},
    {0x80, "shared"},          {0x0800, "timestamp"},
};

constexpr std::array<std::string_view, static_cast<std::size_t>(Curve::count_)> kCurves = {
    "none",      "unknown",         "nistp256",        "nistp384",
    "nistp521",  "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1",
    "secp256k1", "ed25519",         "cv25519",         "ed448",
    "cv448",
};

} // namespace

std::string_view packet_name(std::uint8_t tag)
{
    if (tag < kPackets.size())
        return kPackets[tag];
    if (tag < 40)
        return "unassigned (critical)";
    return tag < 60 ? "unassigned (not critical)" : tag < 64 ? "private" : "no packet type";
}

std::string_view public_key_algorithm_name(std::uint8_t algorithm)
{
    if (algorithm >= 100 && algorithm <= 110)
        return "private";
    return find(kAlgorithms, algorithm, "unknown");
}

std::string_view hash_name(std::uint8_t hash)
{
    return find(kHashes, hash, hash >= 100 && hash <= 110 ? "private" : "unknown");
}

std::string_view signature_type_name(std::uint8_t type)
{
    return find(kSignatureTypes, type, "unknown");
}

std::string_view subpacket_name(std::uint8_t type)
{
    return find(kSubpackets, type, type >= 100 && type <= 110 ? "private" : "unknown");
}

std::string_view attribute_name(std::uint8_t type)
{
    return type == 1 ? "image" : type >= 100 && type <= 110 ? "private" : "unknown";
}

std::string_view curve_name(Curve curve)
{
    const auto index = static_cast<std::size_t>(curve);
    return index < kCurves.size() ? kCurves[index] : "unknown";
}

std::string key_type_name(std::uint8_t algorithm, Curve curve, std::uint32_t bits)
{
    if (curve != Curve::none && curve != Curve::unknown)
        return std::string(curve_name(curve));
    switch (algorithm) {
    case kRsa:
    case kRsaEncryptOnly:
    case kRsaSignOnly:
        return "rsa" + std::to_string(bits);
    case kDsa:
        return "dsa" + std::to_string(bits);
    case kElgamal:
    case kElgamalEncryptOnly:
        return "elg" + std::to_string(bits);
    case kX25519:
    case kX448:
    case kEd25519:
    case kEd448:
        return std::string(public_key_algorithm_name(algorithm));
    default:
        return "algorithm-" + std::to_string(algorithm);
    }
}

std::string key_flags_names(std::uint32_t flags)
{
    std::string names;
    for (const Entry &flag : kFlags) {
        if ((flags & flag.number) == 0)
            continue;
        if (!names.empty())
            names += ' ';
        names += flag.name;
    }
    return names;
}

} // namespace pgp
