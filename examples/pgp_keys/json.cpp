// SPDX-License-Identifier: Apache-2.0
//
// Texts go through escape(), because JSON cannot hold octets that are not UTF-8.

#include <nlohmann/json.hpp>

#include "names.hpp"
#include "print.hpp"
#include "text.hpp"

namespace pgp {
namespace {

using nlohmann::json;

json to_json(const Key &key)
{
    json object = {{"version", key.version}, {"secret", key.secret}};
    if (!key.fingerprint.empty())
        object["fingerprint"] = hex(key.fingerprint);
    if (!key.key_id.empty())
        object["key_id"] = hex(key.key_id);
    if (key.supported) {
        object["type"] = key_type_name(key.algorithm, key.curve, key.bits);
        object["algorithm"] = key.algorithm;
        object["bits"] = key.bits;
        object["created"] = key.created;
    }
    return object;
}

json to_json(const Subpacket &subpacket)
{
    const bool attribute = subpacket.area == Area::attribute;
    return {{"type", subpacket.type},
            {"name", attribute ? attribute_name(subpacket.type) : subpacket_name(subpacket.type)},
            {"hashed", subpacket.area == Area::hashed},
            {"critical", subpacket.critical},
            {"content", hex(subpacket.content)}};
}

json to_json(const std::vector<Subpacket> &subpackets)
{
    json list = json::array();
    for (const Subpacket &subpacket : subpackets)
        list.push_back(to_json(subpacket));
    return list;
}

json to_json(const Signature &signature)
{
    json object = {{"version", signature.version}};
    if (!signature.supported)
        return object;
    object["type"] = signature_type_name(signature.type);
    object["algorithm"] = public_key_algorithm_name(signature.algorithm);
    object["hash"] = hash_name(signature.hash);
    object["primary_user_id"] = signature.primary_user_id;
    object["embedded_signature"] = signature.embedded;
    if (signature.created)
        object["created"] = *signature.created;
    if (signature.expiration)
        object["expires_after"] = *signature.expiration;
    if (signature.key_expiration)
        object["key_expires_after"] = *signature.key_expiration;
    if (signature.key_flags)
        object["key_flags"] = key_flags_names(*signature.key_flags);
    if (!signature.issuer.empty())
        object["issuer"] = hex(signature.issuer);
    if (!signature.issuer_fingerprint.empty())
        object["issuer_fingerprint"] = hex(signature.issuer_fingerprint);
    object["subpackets"] = to_json(signature.subpackets);
    return object;
}

json to_json(const std::vector<Signature> &signatures)
{
    json list = json::array();
    for (const Signature &signature : signatures)
        list.push_back(to_json(signature));
    return list;
}

json to_json(const UserId &user_id)
{
    return {{"user_id", escape(user_id.text)}};
}

json to_json(const UserAttribute &attribute)
{
    return {{"user_attribute", to_json(attribute.subpackets)}};
}

json to_json(std::monostate)
{
    return json::object();
}

json to_json(const Key &key, std::optional<std::uint64_t> expires,
             const std::vector<Signature> &signatures)
{
    json object = to_json(key);
    if (expires)
        object["expires_not_verified"] = *expires;
    object["signatures"] = to_json(signatures);
    return object;
}

} // namespace

json to_json(const KeyRing &ring)
{
    json keys = json::array();
    for (const Certificate &certificate : ring) {
        json key = to_json(certificate.primary, expiry(certificate), certificate.signatures);
        key["identities"] = json::array();
        for (const Identity &identity : certificate.identities) {
            json name = std::visit([](const auto &value) { return to_json(value); }, identity.name);
            name["signatures"] = to_json(identity.signatures);
            key["identities"].push_back(std::move(name));
        }
        key["subkeys"] = json::array();
        for (const Subkey &subkey : certificate.subkeys)
            key["subkeys"].push_back(
                to_json(subkey.key, expiry(certificate, subkey), subkey.signatures));
        keys.push_back(std::move(key));
    }
    return keys;
}

json to_json(const PacketList &list)
{
    json packets = json::array();
    for (const Packet &packet : list.packets) {
        packets.push_back(
            {{"offset", packet.offset},
             {"type", packet.tag},
             {"name", packet_name(packet.tag)},
             {"old_format", packet.old_format},
             {"size", packet.body_size},
             {"parts", packet.chunks},
             {"content",
              std::visit([](const auto &content) { return to_json(content); }, packet.content)}});
    }
    return packets;
}

} // namespace pgp
