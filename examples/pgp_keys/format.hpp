// SPDX-License-Identifier: Apache-2.0
//
// What the parser in the cell and the host agree on: limits, the numbers of RFC
// 4880 and RFC 9580 that both sides need, and the records that come out of the
// cell. Records are plain numbers, so that the host can judge every one of them;
// positions are counted in octets from the start of the input or the stream. The
// stream is the binary packet stream: a copy of binary input, or what the armour
// blocks of a text decode to, one after the other.
#ifndef PGP_KEYS_FORMAT_HPP
#define PGP_KEYS_FORMAT_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace pgp {

// The host refuses larger input; all positions therefore fit into 32 bits.
inline constexpr std::size_t kMaxInput = std::size_t{8} << 20;
// Beyond these a file is refused with a named error, never cut silently.
inline constexpr std::size_t kMaxBlocks = 64;
inline constexpr std::size_t kMaxPackets = 8192;
inline constexpr std::size_t kMaxSubpackets = 65536;
inline constexpr std::size_t kMaxUserId = 4096;     // octets; twice what GnuPG accepts
inline constexpr std::size_t kMaxKeyOctets = 65535; // what a V4 fingerprint can cover
inline constexpr std::uint32_t kMaxMpiBits = 16384;
inline constexpr std::size_t kMinFirstChunk = 512; // RFC 9580 §4.2.1.4
inline constexpr std::size_t kMaxElements = 4;

// Why a file is refused. names.cpp has a word and a sentence for each.
enum class ErrorCode : std::uint32_t {
    none,
    input_empty,
    input_too_large,
    armour_missing,
    armour_bad_begin,
    armour_unknown_type,
    armour_cleartext,
    armour_bad_header,
    armour_bad_character,
    armour_bad_padding,
    armour_bad_checksum,
    armour_wrong_checksum,
    armour_bad_end,
    armour_no_end,
    too_many_blocks,
    packet_no_marker_bit,
    packet_truncated_header,
    packet_truncated_body,
    packet_partial_not_allowed,
    packet_partial_too_short,
    packet_indeterminate_not_allowed,
    packet_reserved_type,
    packet_unknown_critical,
    too_many_packets,
    key_truncated,
    key_surplus,
    key_too_large,
    key_algorithm_not_for_version,
    key_bad_curve_name,
    key_bad_parameters,
    mpi_too_large,
    mpi_zero,
    mpi_not_normalised,
    user_id_too_long,
    signature_truncated,
    signature_surplus,
    signature_bad_header,
    signature_bad_salt,
    subpacket_empty,
    subpacket_truncated,
    subpacket_bad_size,
    too_many_subpackets,
    attribute_bad_image,
    output_too_small,
    // Found by the host.
    no_key,
    packet_without_key,
    answer_inconsistent,
    cell_aborted,
    cell_unusable,
    count_ // not a code
};

// Packet types that have a meaning here; names.cpp names all 64.
enum class Tag : std::uint8_t {
    reserved = 0,
    signature = 2,
    secret_key = 5,
    public_key = 6,
    secret_subkey = 7,
    compressed = 8,
    encrypted = 9,
    marker = 10,
    literal = 11,
    trust = 12,
    user_id = 13,
    public_subkey = 14,
    user_attribute = 17,
    encrypted_integrity = 18,
    modification_detection = 19,
    aead = 20,
    padding = 21,
};

// RFC 9580 §4.3: a stream with an unknown packet of these types is refused,
// one with an unknown packet of a higher type is read without it.
constexpr bool is_unknown_critical(std::uint8_t tag)
{
    return tag == 15 || tag == 16 || (tag > 21 && tag < 40);
}

// The only packets whose length may be partial or indeterminate.
constexpr bool is_data(std::uint8_t tag)
{
    const Tag t{tag};
    return t == Tag::compressed || t == Tag::encrypted || t == Tag::literal ||
           t == Tag::encrypted_integrity || t == Tag::aead;
}
constexpr bool is_secret(std::uint8_t tag)
{
    return Tag{tag} == Tag::secret_key || Tag{tag} == Tag::secret_subkey;
}
constexpr bool is_subkey(std::uint8_t tag)
{
    return Tag{tag} == Tag::public_subkey || Tag{tag} == Tag::secret_subkey;
}
constexpr bool is_key(std::uint8_t tag)
{
    return Tag{tag} == Tag::public_key || is_secret(tag) || is_subkey(tag);
}

// Where a block comes from: the binary input as a whole, or a piece of armour.
enum class BlockType : std::uint8_t {
    binary,
    public_key,
    private_key,
    signature,
    message,
    armored_file, // what `gpg --enarmor` writes
    count_
};

// One run of packets. Positions are in the input, except where said.
struct BlockRecord {
    BlockType type;
    std::uint8_t has_checksum;
    std::uint8_t unused[2];
    std::uint32_t begin;       // the BEGIN line; 0 for binary input
    std::uint32_t data;        // the first line of base64; 0 for binary input
    std::uint32_t data_size;   // up to the checksum or the END line
    std::uint32_t end;         // the END line; the input's size for binary input
    std::uint32_t stream;      // position in the stream
    std::uint32_t stream_size; // octets of the stream
    std::uint32_t checksum;    // CRC-24, if there is one
    bool operator==(const BlockRecord &) const = default;
};

// A part of key material or of a signature.
enum class ElementKind : std::uint8_t {
    none,
    mpi,        // two octets of bit count before it
    oid,        // a curve's name: one octet of size before it
    parameters, // ECDH's hash and cipher: one octet of size before it
    native,     // a fixed number of octets
};
struct ElementRecord {
    std::uint32_t offset; // in the stream, behind the length octets
    std::uint32_t size;   // octets
    std::uint16_t bits;   // as an MPI declares; 0 for other kinds
    ElementKind kind;
    std::uint8_t unused;
    bool operator==(const ElementRecord &) const = default;
};

enum class Curve : std::uint8_t {
    none,
    unknown,
    nist_p256,
    nist_p384,
    nist_p521,
    brainpool_p256,
    brainpool_p384,
    brainpool_p512,
    secp256k1,
    ed25519,
    curve25519,
    ed448,
    x448,
    count_
};

struct KeyFields {
    std::uint8_t version;
    std::uint8_t algorithm;
    Curve curve;
    std::uint8_t unused;
    std::uint32_t created;     // seconds since 1970
    std::uint32_t valid_days;  // V2 and V3: 0 means for ever
    std::uint32_t bits;        // 0 if unknown
    std::uint32_t public_size; // octets of the body that are public; 0 if unknown
    bool operator==(const KeyFields &) const = default;
};

// What SignatureFields::present says.
enum : std::uint8_t {
    kHasCreated = 1,
    kHasExpiration = 2,
    kHasKeyExpiration = 4,
    kHasKeyFlags = 8,
    kHasIssuer = 16,
    kHasIssuerFingerprint = 32,
    kIsPrimaryUserId = 64,
    kHasEmbedded = 128,
};

struct SignatureFields {
    std::uint8_t version;
    std::uint8_t type;
    std::uint8_t algorithm;
    std::uint8_t hash;
    std::uint8_t present;
    std::uint8_t issuer_version; // of the key that the issuer's fingerprint names
    std::uint8_t issuer_fingerprint_size;
    std::uint8_t salt_size;
    std::uint32_t created;        // seconds since 1970
    std::uint32_t expiration;     // seconds after `created`
    std::uint32_t key_expiration; // seconds after the key's creation
    std::uint32_t key_flags;      // the first octet is the lowest
    std::uint32_t hashed;         // position in the stream
    std::uint32_t hashed_size;    // octets
    std::uint32_t unhashed;       // position in the stream
    std::uint32_t unhashed_size;  // octets
    std::uint32_t material;       // position of the signature's numbers
    std::uint32_t material_size;  // octets
    std::uint8_t digest_start[4]; // two octets of the digest, two unused
    std::uint8_t issuer[8];       // key id
    std::uint8_t issuer_fingerprint[32];
    bool operator==(const SignatureFields &) const = default;
};

// One packet. Fields that do not belong to its type are zero.
struct PacketRecord {
    std::uint8_t tag;
    std::uint8_t old_format;
    std::uint8_t indeterminate; // the body is what is left of the block
    std::uint8_t supported;     // 1: the body was read, 0: type or version is skipped
    std::uint32_t offset;       // of the header, in the stream
    std::uint32_t header_size;  // octets up to the body's first octet
    std::uint32_t body_size;    // octets of the body, partial lengths joined
    std::uint32_t wire_size;    // octets of the whole packet in the stream
    std::uint32_t chunks;       // 1, or the number of partial lengths and the last
    std::uint32_t first_subpacket;
    std::uint32_t subpacket_count;
    std::uint32_t element_count;
    ElementRecord elements[kMaxElements];
    KeyFields key;
    SignatureFields signature;
};

enum class Area : std::uint8_t { hashed, unhashed, attribute };

// One subpacket of a signature or of a user attribute.
struct SubpacketRecord {
    std::uint32_t offset; // of the octets after the type, in the stream
    std::uint32_t size;   // of them
    std::uint8_t type;    // without the critical bit
    std::uint8_t critical;
    Area area;
    std::uint8_t image_encoding; // of an image attribute: 1 is JPEG
};

enum class Place : std::uint32_t { input, stream };

struct Summary {
    ErrorCode error;
    Place place;          // what `offset` counts in
    std::uint32_t offset; // of the error
    std::uint32_t blocks;
    std::uint32_t packets;
    std::uint32_t subpackets;
    std::uint32_t stream_size; // octets
};

// No padding: no octet crosses the wall that has no name.
static_assert(std::has_unique_object_representations_v<BlockRecord>);
static_assert(std::has_unique_object_representations_v<PacketRecord>);
static_assert(std::has_unique_object_representations_v<SubpacketRecord>);
static_assert(std::has_unique_object_representations_v<Summary>);

} // namespace pgp

#endif
