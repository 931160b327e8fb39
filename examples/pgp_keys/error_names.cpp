// SPDX-License-Identifier: Apache-2.0

#include <array>

#include "names.hpp"

namespace pgp {
namespace {

struct ErrorEntry {
    ErrorCode code;
    std::string_view name;
    std::string_view text;
};

constexpr std::array kErrors = {
    ErrorEntry{ErrorCode::none, "none", "no error"},
    ErrorEntry{ErrorCode::input_empty, "input_empty", "the file is empty"},
    ErrorEntry{ErrorCode::input_too_large, "input_too_large", "the file has more than 8 MiB"},
    ErrorEntry{ErrorCode::armour_missing, "armour_missing",
               "neither packets nor a line that begins armour"},
    ErrorEntry{ErrorCode::armour_bad_begin, "armour_bad_begin", "a malformed BEGIN line"},
    ErrorEntry{ErrorCode::armour_unknown_type, "armour_unknown_type", "an unknown type of armour"},
    ErrorEntry{ErrorCode::armour_cleartext, "armour_cleartext",
               "a cleartext signature, which holds no keys"},
    ErrorEntry{ErrorCode::armour_bad_header, "armour_bad_header",
               "a line before the data that is no header"},
    ErrorEntry{ErrorCode::armour_bad_character, "armour_bad_character",
               "a character that is not base64"},
    ErrorEntry{ErrorCode::armour_bad_padding, "armour_bad_padding",
               "base64 that ends in the wrong place"},
    ErrorEntry{ErrorCode::armour_bad_checksum, "armour_bad_checksum", "a malformed checksum"},
    ErrorEntry{ErrorCode::armour_wrong_checksum, "armour_wrong_checksum",
               "a checksum of other octets: the armour is damaged"},
    ErrorEntry{ErrorCode::armour_bad_end, "armour_bad_end", "an END line that does not fit"},
    ErrorEntry{ErrorCode::armour_no_end, "armour_no_end", "armour without an END line"},
    ErrorEntry{ErrorCode::too_many_blocks, "too_many_blocks", "too many armour blocks"},
    ErrorEntry{ErrorCode::packet_no_marker_bit, "packet_no_marker_bit",
               "an octet that begins no packet"},
    ErrorEntry{ErrorCode::packet_truncated_header, "packet_truncated_header",
               "a packet that ends in its header"},
    ErrorEntry{ErrorCode::packet_truncated_body, "packet_truncated_body",
               "a packet that is longer than what is left"},
    ErrorEntry{ErrorCode::packet_partial_not_allowed, "packet_partial_not_allowed",
               "a partial length outside a data packet"},
    ErrorEntry{ErrorCode::packet_partial_too_short, "packet_partial_too_short",
               "a first partial length under 512 octets"},
    ErrorEntry{ErrorCode::packet_indeterminate_not_allowed, "packet_indeterminate_not_allowed",
               "an indeterminate length outside a data packet"},
    ErrorEntry{ErrorCode::packet_reserved_type, "packet_reserved_type",
               "a packet of the reserved type 0"},
    ErrorEntry{ErrorCode::packet_unknown_critical, "packet_unknown_critical",
               "an unknown packet that must not be ignored"},
    ErrorEntry{ErrorCode::too_many_packets, "too_many_packets", "too many packets"},
    ErrorEntry{ErrorCode::key_truncated, "key_truncated", "a key that is cut off"},
    ErrorEntry{ErrorCode::key_surplus, "key_surplus", "octets after a key's last number"},
    ErrorEntry{ErrorCode::key_too_large, "key_too_large", "a key of more than 65535 octets"},
    ErrorEntry{ErrorCode::key_algorithm_not_for_version, "key_algorithm_not_for_version",
               "an algorithm that keys of this version do not have"},
    ErrorEntry{ErrorCode::key_bad_curve_name, "key_bad_curve_name",
               "a curve's name of a reserved size"},
    ErrorEntry{ErrorCode::key_bad_parameters, "key_bad_parameters",
               "malformed key derivation parameters"},
    ErrorEntry{ErrorCode::mpi_too_large, "mpi_too_large", "a number of more than 16384 bits"},
    ErrorEntry{ErrorCode::mpi_zero, "mpi_zero", "a number that is zero"},
    ErrorEntry{ErrorCode::mpi_not_normalised, "mpi_not_normalised",
               "a number that has another count of bits than declared"},
    ErrorEntry{ErrorCode::user_id_too_long, "user_id_too_long",
               "a user id of more than 4096 octets"},
    ErrorEntry{ErrorCode::signature_truncated, "signature_truncated",
               "a signature that is cut off"},
    ErrorEntry{ErrorCode::signature_surplus, "signature_surplus",
               "octets after a signature's last number"},
    ErrorEntry{ErrorCode::signature_bad_header, "signature_bad_header",
               "an old signature whose hashed part has not five octets"},
    ErrorEntry{ErrorCode::signature_bad_salt, "signature_bad_salt",
               "a salt of another size than the hash wants"},
    ErrorEntry{ErrorCode::subpacket_empty, "subpacket_empty", "a subpacket without a type"},
    ErrorEntry{ErrorCode::subpacket_truncated, "subpacket_truncated",
               "a subpacket that is longer than its area"},
    ErrorEntry{ErrorCode::subpacket_bad_size, "subpacket_bad_size",
               "a subpacket of a size that its type does not have"},
    ErrorEntry{ErrorCode::too_many_subpackets, "too_many_subpackets", "too many subpackets"},
    ErrorEntry{ErrorCode::attribute_bad_image, "attribute_bad_image",
               "an image without a sound header"},
    ErrorEntry{ErrorCode::output_too_small, "output_too_small",
               "more octets than there is room for"},
    ErrorEntry{ErrorCode::no_key, "no_key", "no key in the file"},
    ErrorEntry{ErrorCode::packet_without_key, "packet_without_key",
               "a packet that should follow a key, and does not"},
    ErrorEntry{ErrorCode::answer_inconsistent, "answer_inconsistent",
               "the cell's answer does not fit the file"},
    ErrorEntry{ErrorCode::cell_aborted, "cell_aborted", "the parser was ended"},
    ErrorEntry{ErrorCode::cell_unusable, "cell_unusable", "the cell cannot be used"},
};

constexpr bool in_order()
{
    for (std::size_t i = 0; i < kErrors.size(); i++) {
        if (kErrors[i].code != ErrorCode(i))
            return false;
    }
    return kErrors.size() == static_cast<std::size_t>(ErrorCode::count_);
}
static_assert(in_order(), "every error has its place in the table");

} // namespace

std::string_view error_name(ErrorCode code)
{
    const auto index = static_cast<std::size_t>(code);
    return index < kErrors.size() ? kErrors[index].name : "unknown";
}

std::string_view error_text(ErrorCode code)
{
    const auto index = static_cast<std::size_t>(code);
    return index < kErrors.size() ? kErrors[index].text : "an error without a meaning";
}

} // namespace pgp
