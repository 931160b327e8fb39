// SPDX-License-Identifier: Apache-2.0

#include "fingerprint.hpp"

#include <openssl/evp.h>

namespace pgp {
namespace {

Octets digest(const EVP_MD *hash, const Octets &octets)
{
    Octets result(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    if (EVP_Digest(octets.data(), octets.size(), result.data(), &size, hash, nullptr) != 1)
        return {};
    result.resize(size);
    return result;
}

} // namespace

Octets fingerprint(std::uint8_t version, std::span<const std::uint8_t> body)
{
    const bool v6 = version == 6;
    Octets octets;
    octets.push_back(v6 ? 0x9B : 0x99);
    for (int shift = v6 ? 24 : 8; shift >= 0; shift -= 8)
        octets.push_back(static_cast<std::uint8_t>(body.size() >> shift));
    octets.insert(octets.end(), body.begin(), body.end());
    return digest(v6 ? EVP_sha256() : EVP_sha1(), octets);
}

Octets old_fingerprint(std::span<const std::uint8_t> modulus,
                       std::span<const std::uint8_t> exponent)
{
    Octets octets(modulus.begin(), modulus.end());
    octets.insert(octets.end(), exponent.begin(), exponent.end());
    return digest(EVP_md5(), octets);
}

Octets key_id(std::uint8_t version, const Octets &fingerprint)
{
    if (version == 6 && fingerprint.size() == 32)
        return Octets(fingerprint.begin(), fingerprint.begin() + 8);
    if (version == 4 && fingerprint.size() == 20)
        return Octets(fingerprint.end() - 8, fingerprint.end());
    return {};
}

} // namespace pgp
