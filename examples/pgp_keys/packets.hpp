// SPDX-License-Identifier: Apache-2.0
//
// What the host makes of a checked answer: values that own their memory. Nothing
// in here comes from the cell without a comparison with the stream's octets.
#ifndef PGP_KEYS_PACKETS_HPP
#define PGP_KEYS_PACKETS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "format.hpp"

namespace pgp {

using Octets = std::vector<std::uint8_t>;

// Why there are no packets or no keys.
struct Problem {
    ErrorCode code = ErrorCode::none;
    Place place = Place::input;
    std::size_t offset = 0;
    std::string detail; // more than the code says; may be empty
};

// A T or a Problem.
template <class T> class [[nodiscard]] Outcome {
public:
    Outcome(T value) : content_(std::move(value)) {}
    Outcome(Problem problem) : content_(std::move(problem)) {}

    explicit operator bool() const { return content_.index() == 0; }
    const T &operator*() const { return *std::get_if<0>(&content_); }
    const T *operator->() const { return std::get_if<0>(&content_); }
    const Problem &problem() const { return *std::get_if<1>(&content_); }

private:
    std::variant<T, Problem> content_;
};

struct Key {
    bool secret = false;
    bool subkey = false;
    bool supported = false; // else only the version, and perhaps more, is known
    std::uint8_t version = 0;
    std::uint8_t algorithm = 0;
    Curve curve = Curve::none;
    std::uint32_t created = 0;    // seconds since 1970
    std::uint32_t valid_days = 0; // V2 and V3: 0 means for ever
    std::uint32_t bits = 0;       // 0 if unknown
    Octets fingerprint;           // empty if it is not defined
    Octets key_id;                // 8 octets; empty if it is not defined
    bool operator==(const Key &) const = default;
};

struct Subpacket {
    Area area = Area::hashed;
    std::uint8_t type = 0;
    bool critical = false;
    std::uint8_t image_encoding = 0;
    Octets content;
    bool operator==(const Subpacket &) const = default;
};

struct Signature {
    bool supported = false; // else only the version is known
    std::uint8_t version = 0;
    std::uint8_t type = 0;
    std::uint8_t algorithm = 0;
    std::uint8_t hash = 0;
    std::optional<std::uint32_t> created;        // seconds since 1970
    std::optional<std::uint32_t> expiration;     // seconds after `created`
    std::optional<std::uint32_t> key_expiration; // seconds after the key's creation
    std::optional<std::uint32_t> key_flags;
    bool primary_user_id = false;
    bool embedded = false;     // holds another signature
    Octets issuer;             // key id; empty if not given
    Octets issuer_fingerprint; // empty if not given
    std::vector<Subpacket> subpackets;
    bool operator==(const Signature &) const = default;
};

struct UserId {
    std::string text; // any octets
    bool operator==(const UserId &) const = default;
};

struct UserAttribute {
    std::vector<Subpacket> subpackets;
    bool operator==(const UserAttribute &) const = default;
};

struct Packet {
    std::uint8_t tag = 0;
    bool old_format = false;
    bool indeterminate = false;
    std::size_t offset = 0;    // of the header, in the stream
    std::size_t body_size = 0; // octets
    std::size_t chunks = 1;    // of the body; more than one for partial lengths
    std::variant<std::monostate, Key, Signature, UserId, UserAttribute> content;
    bool operator==(const Packet &) const = default;
};

struct PacketList {
    std::vector<BlockType> blocks;
    std::vector<Packet> packets;
    bool operator==(const PacketList &) const = default;
};

} // namespace pgp

#endif
