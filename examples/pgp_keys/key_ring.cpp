// SPDX-License-Identifier: Apache-2.0

#include "key_ring.hpp"

#include <algorithm>

#include "fingerprint.hpp"

namespace pgp {
namespace {

bool is_certification(std::uint8_t type)
{
    return type >= 0x10 && type <= 0x13;
}

constexpr std::uint8_t kSubkeyBinding = 0x18;
constexpr std::uint8_t kDirectKey = 0x1F;

// Adds packets to the last key of a ring.
class Builder {
public:
    explicit Builder(KeyRing &ring) : ring_(ring) {}

    // False: there is no key that the packet could belong to.
    bool add(const Key &key)
    {
        if (!key.subkey)
            ring_.emplace_back().primary = key;
        else if (!ring_.empty())
            ring_.back().subkeys.emplace_back().key = key;
        else
            return false;
        target_ = key.subkey ? &ring_.back().subkeys.back().signatures : &ring_.back().signatures;
        return true;
    }
    bool add(const UserId &name) { return add_identity(name); }
    bool add(const UserAttribute &name) { return add_identity(name); }
    bool add(const Signature &signature)
    {
        if (!target_)
            return false;
        target_->push_back(signature);
        return true;
    }
    bool add(std::monostate) { return true; }

private:
    template <class Name> bool add_identity(const Name &name)
    {
        if (ring_.empty())
            return false;
        ring_.back().identities.emplace_back().name = name;
        target_ = &ring_.back().identities.back().signatures;
        return true;
    }

    KeyRing &ring_;
    std::vector<Signature> *target_ = nullptr; // where the next signature goes
};

// Packets that are no part of a key.
bool is_of_message(std::uint8_t tag)
{
    return is_data(tag) || tag == 1 || tag == 3 || tag == 4 ||
           Tag{tag} == Tag::modification_detection;
}

// The newest of the signatures by `key` that count, the last one if several are.
template <class Counts>
void take_newest(const std::vector<Signature> &signatures, const Key &key, Counts counts,
                 const Signature *&newest)
{
    for (const Signature &signature : signatures) {
        if (counts(signature.type) && signature.created && is_by(signature, key) &&
            (!newest || *signature.created >= *newest->created))
            newest = &signature;
    }
}

std::optional<std::uint64_t> after(const Key &key, const Signature *signature)
{
    if (key.version < 4) {
        if (!key.supported || key.valid_days == 0)
            return std::nullopt;
        return std::uint64_t{key.created} + std::uint64_t{key.valid_days} * 86400;
    }
    if (!signature || signature->key_expiration.value_or(0) == 0)
        return std::nullopt;
    return std::uint64_t{key.created} + *signature->key_expiration;
}

} // namespace

Outcome<KeyRing> assemble(const PacketList &list)
{
    KeyRing ring;
    Builder builder(ring);
    for (const Packet &packet : list.packets) {
        const bool added =
            !is_of_message(packet.tag) &&
            std::visit([&](const auto &content) { return builder.add(content); }, packet.content);
        if (!added && ring.empty())
            return Problem{ErrorCode::no_key, Place::stream, packet.offset, {}};
        if (!added)
            return Problem{ErrorCode::packet_without_key, Place::stream, packet.offset, {}};
    }
    if (ring.empty())
        return Problem{ErrorCode::no_key, Place::stream, 0, {}};
    return ring;
}

bool is_by(const Signature &signature, const Key &key)
{
    if (!signature.issuer_fingerprint.empty())
        return signature.issuer_fingerprint == key.fingerprint;
    return !signature.issuer.empty() && signature.issuer == key.key_id;
}

// A V4 key speaks through its user ids, and a direct signature often only names a
// revoker; a V6 key speaks through its direct signature (RFC 9580 §10.1.1).
std::optional<std::uint64_t> expiry(const Certificate &certificate)
{
    const Signature *direct = nullptr;
    const Signature *named = nullptr;
    take_newest(
        certificate.signatures, certificate.primary,
        [](std::uint8_t type) { return type == kDirectKey; }, direct);
    for (const Identity &identity : certificate.identities)
        take_newest(identity.signatures, certificate.primary, is_certification, named);
    const bool prefer_direct = certificate.primary.version == 6 || !named;
    return after(certificate.primary, prefer_direct && direct ? direct : named);
}

std::optional<std::uint64_t> expiry(const Certificate &certificate, const Subkey &subkey)
{
    const Signature *newest = nullptr;
    take_newest(
        subkey.signatures, certificate.primary,
        [](std::uint8_t type) { return type == kSubkeyBinding; }, newest);
    return after(subkey.key, newest);
}

} // namespace pgp
