// SPDX-License-Identifier: Apache-2.0

#include "print.hpp"

#include <algorithm>
#include <string>

#include "names.hpp"
#include "text.hpp"

namespace pgp {
namespace {

std::string hex_or_none(const Octets &octets)
{
    return octets.empty() ? "-" : hex(octets);
}

// "v4 rsa4096 2023-01-21"
std::string key_summary(const Key &key)
{
    const std::string version = "v" + std::to_string(key.version);
    if (key.supported)
        return version + " " + key_type_name(key.algorithm, key.curve, key.bits) + " " +
               date(key.created);
    return version + (key.fingerprint.empty() ? " (not supported)" : " (unknown algorithm)");
}

void print_key(std::ostream &out, const Key &key, std::optional<std::uint64_t> expires)
{
    const char *word = key.subkey ? (key.secret ? "ssb" : "sub") : (key.secret ? "sec" : "pub");
    out << word << "  " << key_summary(key);
    if (expires)
        out << " [expires " << date(*expires) << ", not verified]";
    out << ' ' << hex_or_none(key.fingerprint) << '\n';
}

void print_signatures(std::ostream &out, const std::vector<Signature> &signatures,
                      const Key &primary)
{
    if (signatures.empty())
        return;
    const auto own = std::count_if(signatures.begin(), signatures.end(),
                                   [&](const Signature &s) { return is_by(s, primary); });
    out << "     sig " << signatures.size() << " (" << own << " in the key's own name)\n";
}

std::string attribute_summary(const UserAttribute &attribute)
{
    std::string text;
    for (const Subpacket &subpacket : attribute.subpackets) {
        text += text.empty() ? "" : ", ";
        text += attribute_name(subpacket.type);
        if (subpacket.image_encoding != 0)
            text += subpacket.image_encoding == 1 ? " jpeg" : " of an unknown encoding";
        text += ", " + std::to_string(subpacket.content.size()) + " octets";
    }
    return "[" + text + "]";
}

void print_name(std::ostream &out, const Identity &identity)
{
    if (const UserId *user_id = std::get_if<UserId>(&identity.name))
        out << "uid  " << escape(user_id->text) << '\n';
    else
        out << "uat  " << attribute_summary(std::get<UserAttribute>(identity.name)) << '\n';
}

void print_colons_key(std::ostream &out, const Key &key, std::optional<std::uint64_t> expires)
{
    out << (key.secret ? (key.subkey ? "ssb" : "sec") : (key.subkey ? "sub" : "pub"))
        << "::" << key.bits << ':' << unsigned{key.algorithm} << ':' << hex(key.key_id) << ':'
        << key.created << ':' << (expires ? std::to_string(*expires) : "") << ":::::::\n"
        << "fpr:::::::::" << hex(key.fingerprint) << ":\n";
}

void print_packet(std::ostream &out, const Signature &signature)
{
    out << ": v" << unsigned{signature.version};
    if (!signature.supported) {
        out << " (not supported)\n";
        return;
    }
    out << ' ' << signature_type_name(signature.type) << ", "
        << public_key_algorithm_name(signature.algorithm) << ", " << hash_name(signature.hash);
    if (signature.created)
        out << ", " << date_and_time(*signature.created);
    const Octets &issuer =
        signature.issuer_fingerprint.empty() ? signature.issuer : signature.issuer_fingerprint;
    out << ", by " << hex_or_none(issuer) << '\n';
    for (const Subpacket &subpacket : signature.subpackets) {
        out << "    " << (subpacket.area == Area::hashed ? "hashed " : "unhashed ")
            << (subpacket.critical ? "critical " : "") << "subpacket " << unsigned{subpacket.type}
            << ' ' << subpacket_name(subpacket.type) << ", " << subpacket.content.size()
            << " octets\n";
    }
}

void print_packet(std::ostream &out, const Key &key)
{
    out << ": " << key_summary(key) << ' ' << hex_or_none(key.fingerprint) << '\n';
}

void print_packet(std::ostream &out, const UserId &user_id)
{
    out << ": " << escape(user_id.text) << '\n';
}

void print_packet(std::ostream &out, const UserAttribute &attribute)
{
    out << ": " << attribute_summary(attribute) << '\n';
}

void print_packet(std::ostream &out, std::monostate)
{
    out << '\n';
}

} // namespace

void print_keys(std::ostream &out, const KeyRing &ring)
{
    for (const Certificate &certificate : ring) {
        print_key(out, certificate.primary, expiry(certificate));
        print_signatures(out, certificate.signatures, certificate.primary);
        for (const Identity &identity : certificate.identities) {
            print_name(out, identity);
            print_signatures(out, identity.signatures, certificate.primary);
        }
        for (const Subkey &subkey : certificate.subkeys) {
            print_key(out, subkey.key, expiry(certificate, subkey));
            print_signatures(out, subkey.signatures, certificate.primary);
        }
    }
}

void print_colons(std::ostream &out, const KeyRing &ring)
{
    for (const Certificate &certificate : ring) {
        print_colons_key(out, certificate.primary, expiry(certificate));
        for (const Identity &identity : certificate.identities) {
            if (const UserId *user_id = std::get_if<UserId>(&identity.name))
                out << "uid:::::::::" << escape(user_id->text, ":\\") << ":\n";
            else
                out << "uat:::::::::" << std::get<UserAttribute>(identity.name).subpackets.size()
                    << ":\n";
        }
        for (const Subkey &subkey : certificate.subkeys)
            print_colons_key(out, subkey.key, expiry(certificate, subkey));
    }
}

void print_packets(std::ostream &out, const PacketList &list)
{
    for (const Packet &packet : list.packets) {
        out << packet.offset << ": packet " << unsigned{packet.tag} << ' '
            << packet_name(packet.tag) << ", " << (packet.old_format ? "old" : "new") << " format, "
            << packet.body_size << " octets";
        if (packet.chunks > 1)
            out << " in " << packet.chunks << " parts";
        if (packet.indeterminate)
            out << " to the end";
        std::visit([&](const auto &content) { print_packet(out, content); }, packet.content);
    }
}

} // namespace pgp
