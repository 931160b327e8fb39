// SPDX-License-Identifier: Apache-2.0
//
// Compares items with the input. See tape.hpp.
#include "tape.hpp"

#include <algorithm>

namespace apparmor_policy {

namespace {

constexpr policy_rule kRules[] = POLICY_RULES;

#define KIND_NAME(kind, name, code) #kind,
constexpr const char *kKindNames[] = {"NONE", POLICY_ITEMS(KIND_NAME)};
#undef KIND_NAME

// How many octets of number stand after the type octet.
std::uint32_t number_size(std::uint8_t code)
{
    switch (code) {
    case POLICY_U8:
        return 1;
    case POLICY_ARRAY:
        return 2;
    case POLICY_U32:
        return 4;
    case POLICY_U64:
        return 8;
    default:
        return 0;
    }
}

// How many octets of length stand before strings and blobs.
std::uint32_t length_size(std::uint8_t code)
{
    return code == POLICY_STRING ? 2 : code == POLICY_BLOB ? 4 : 0;
}

} // namespace

bool Tape::expect(bool condition, std::string_view what)
{
    if (!condition && !failure_) {
        failure_ = Failure{Failure::Kind::kLie, POLICY_OK, static_cast<std::uint32_t>(position_),
                           "item " + std::to_string(index_) + " at offset " +
                               std::to_string(position_) + ": " + std::string(what)};
    }
    return !failure_;
}

bool Tape::inbounds(std::uint64_t offset, std::uint64_t size) const
{
    return offset <= input_.size() && size <= input_.size() - offset;
}

std::uint64_t Tape::little(std::uint64_t offset, std::uint32_t size) const
{
    std::uint64_t value = 0;
    for (std::uint32_t i = size; i > 0 && inbounds(offset, size); i--)
        value = value << 8 | input_[offset + i - 1];
    return value;
}

std::uint32_t Tape::big(std::uint64_t offset, std::uint32_t size) const
{
    std::uint32_t value = 0;
    for (std::uint32_t i = 0; i < size && inbounds(offset, size); i++)
        value = value << 8 | input_[offset + i];
    return value;
}

bool Tape::all_zero(std::uint64_t begin, std::uint64_t end) const
{
    return begin <= end && inbounds(begin, end - begin) &&
           std::ranges::all_of(input_.subspan(begin, end - begin),
                               [](std::uint8_t octet) { return octet == 0; });
}

const policy_item *Tape::peek(policy_kind kind) const
{
    const bool there = !failure_ && items_left() && items_[index_].kind == kind;
    return there ? &items_[index_] : nullptr;
}

// The offset after the name and type octet of such an item at the position, if they
// stand there. A kind without a name takes any.
std::optional<std::uint64_t> Tape::header_end(policy_kind kind) const
{
    const policy_rule &rule = kRules[kind];
    std::uint64_t offset = position_;
    if (inbounds(offset, 3) && input_[offset] == POLICY_NAME) {
        const std::uint64_t length = little(offset + 1, 2);
        const std::string_view wanted(rule.name);
        if (!inbounds(offset + 3, length))
            return std::nullopt;
        const auto name = input_.subspan(offset + 3, length);
        const bool same = length == wanted.size() + 1 && name[wanted.size()] == 0 &&
                          std::equal(wanted.begin(), wanted.end(), name.begin());
        if (!wanted.empty() && !same)
            return std::nullopt;
        offset += 3 + length;
    } else if (rule.name[0] != '\0') {
        return std::nullopt;
    }
    if (!inbounds(offset, 1) || input_[offset] != rule.code)
        return std::nullopt;
    return offset + 1;
}

bool Tape::check_payload(const policy_item &item, std::uint64_t after_code)
{
    const std::uint8_t code = kRules[item.kind].code;
    const std::uint32_t lengths = length_size(code);
    const std::uint32_t number = number_size(code);
    const std::uint64_t length = lengths != 0 ? little(after_code, lengths) : number;
    const std::uint64_t value = number != 0 ? little(after_code, number) : 0;
    return expect(inbounds(after_code, lengths) && item.payload == after_code + lengths,
                  "its payload stands elsewhere") &&
           expect(item.length == length && inbounds(item.payload, length),
                  "its length differs from the input") &&
           expect(item.value == value, "its value differs from the input") &&
           expect(code != POLICY_STRING || (length > 0 && input_[item.payload + length - 1] == 0),
                  "a string does not end in NUL");
}

const policy_item *Tape::take(policy_kind kind)
{
    const policy_item *item = peek(kind);
    const auto after_code = header_end(kind);
    if (!expect(item != nullptr, std::string(kKindNames[kind]) + " is missing") ||
        !expect(item->begin == position_, "it begins elsewhere") ||
        !expect(after_code.has_value(), "the input does not have that item") ||
        !check_payload(*item, *after_code))
        return nullptr;
    position_ = std::uint64_t{item->payload} + item->length;
    index_++;
    return item;
}

const policy_item *Tape::take_optional(policy_kind kind)
{
    if (peek(kind) != nullptr)
        return take(kind);
    expect(!header_end(kind).has_value(), "an item of the input was left out");
    return nullptr;
}

std::uint64_t Tape::take_number(policy_kind kind)
{
    const policy_item *item = take(kind);
    return item == nullptr ? 0 : item->value;
}

std::string Tape::take_text(policy_kind kind)
{
    const policy_item *item = take(kind);
    if (item == nullptr)
        return {};
    const auto text = input_.subspan(item->payload, item->length - 1);
    return {text.begin(), text.end()};
}

std::optional<std::string> Tape::take_optional_text(policy_kind kind)
{
    if (peek(kind) != nullptr)
        return take_text(kind);
    take_optional(kind);
    return std::nullopt;
}

bool Tape::take_header(const policy_item &blob, Dfa &dfa)
{
    const std::uint64_t begin = std::uint64_t{blob.payload} + blob.length % POLICY_DFA_ALIGN;
    const std::uint64_t end = std::uint64_t{blob.payload} + blob.length;
    const policy_item *item = peek(POLICY_ITEM_DFA_HEADER);
    if (!expect(item != nullptr, "DFA_HEADER is missing") ||
        !expect(begin <= end && end - begin >= POLICY_DFA_HEADER_MIN &&
                    all_zero(blob.payload, begin) && big(begin, 4) == POLICY_DFA_MAGIC &&
                    big(begin + 8, 4) == end - begin,
                "no DFA begins there") ||
        !expect(item->begin == begin && item->payload == begin, "it begins elsewhere") ||
        !expect(item->length == big(begin + 4, 4) && item->length >= POLICY_DFA_HEADER_MIN &&
                    item->length % POLICY_DFA_ALIGN == 0 && item->length <= end - begin,
                "its length differs from the input") ||
        !expect(item->value == big(begin + 12, 2) &&
                    (item->value & ~std::uint64_t{POLICY_DFA_DIFF_ENCODE | POLICY_DFA_OOB}) == 0,
                "its value differs from the input"))
        return false;
    dfa.begin = static_cast<std::uint32_t>(begin);
    dfa.size = static_cast<std::uint32_t>(end - begin);
    dfa.flags = static_cast<std::uint32_t>(item->value);
    position_ = begin + item->length;
    index_++;
    return true;
}

// Which element size goes with which table is the same list as in dfa.c, written
// down a second time on purpose: the host must not take it from the cell's code.
bool Tape::take_table(Dfa &dfa, std::array<std::uint32_t, POLICY_TABLE_IDS> &counts,
                      std::uint64_t end)
{
    constexpr std::array<std::uint32_t, POLICY_TABLE_IDS> kSizes = {0, 4, 4, 2, 2, 1, 0, 4, 2, 0};
    const policy_item *item = peek(POLICY_ITEM_DFA_TABLE);
    const std::uint64_t elements = position_ + POLICY_TABLE_HEADER;
    if (!expect(item != nullptr && elements <= end, "DFA_TABLE is missing"))
        return false;
    const std::uint32_t id = big(position_, 2);
    const std::uint32_t size = big(position_ + 2, 2);
    const std::uint64_t count = big(position_ + 8, 4);
    const std::uint64_t used = elements + count * size;
    const std::uint64_t table_end = elements + item->length;
    const bool good = id < counts.size() && kSizes[id] != 0 && kSizes[id] == size &&
                      counts[id] == 0 && count != 0 && big(position_ + 4, 4) == 0;
    if (!expect(good, "no table of a DFA begins there") ||
        !expect(item->begin == position_ && item->payload == elements, "it begins elsewhere") ||
        !expect(item->value == (count << 16 | std::uint64_t{id} << 8 | size),
                "its value differs from the input") ||
        !expect(used <= table_end && table_end - used < POLICY_DFA_ALIGN && table_end <= end &&
                    (table_end - dfa.begin) % POLICY_DFA_ALIGN == 0 && all_zero(used, table_end),
                "its length differs from the input"))
        return false;
    counts[id] = static_cast<std::uint32_t>(count);
    if (id == POLICY_TABLE_ACCEPT)
        dfa.accept = static_cast<std::uint32_t>(elements);
    if (id == POLICY_TABLE_ACCEPT2)
        dfa.accept2 = static_cast<std::uint32_t>(elements);
    if (id == POLICY_TABLE_CLASSES && count == POLICY_CLASSES)
        dfa.classes = 1u + std::ranges::max(input_.subspan(elements, POLICY_CLASSES));
    position_ = table_end;
    index_++;
    return true;
}

bool Tape::check_counts(const Dfa &dfa, const std::array<std::uint32_t, POLICY_TABLE_IDS> &counts)
{
    const std::uint32_t accept2 = counts[POLICY_TABLE_ACCEPT2];
    const std::uint32_t classes = counts[POLICY_TABLE_CLASSES];
    return expect(
        dfa.states != 0 && dfa.transitions != 0 && counts[POLICY_TABLE_ACCEPT] == dfa.states &&
            counts[POLICY_TABLE_DEFAULT] == dfa.states &&
            counts[POLICY_TABLE_CHECK] == dfa.transitions &&
            (accept2 == 0 || accept2 == dfa.states) && (classes == 0 || classes == POLICY_CLASSES),
        "a DFA has not the tables that it needs");
}

std::optional<Dfa> Tape::take_tables(const policy_item &blob)
{
    Dfa dfa;
    std::array<std::uint32_t, POLICY_TABLE_IDS> counts{};
    const std::uint64_t end = std::uint64_t{blob.payload} + blob.length;
    dfa.classes = POLICY_CLASSES;
    if (!take_header(blob, dfa))
        return std::nullopt;
    while (position_ < end && take_table(dfa, counts, end))
        continue;
    dfa.states = counts[POLICY_TABLE_BASE];
    dfa.transitions = counts[POLICY_TABLE_NEXT];
    if (!check_counts(dfa, counts))
        return std::nullopt;
    return dfa;
}

} // namespace apparmor_policy
