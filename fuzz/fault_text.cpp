// SPDX-License-Identifier: Apache-2.0
//
// Texts about faults. The input is how a call ended and what the cell said about
// it; nothing unprintable may come through, and names that no C++ compiler has
// made must stay as they are.
#include "input.hpp"

#include "call/fault.hpp"
#include "call/symbols.hpp"

#include <memory>

namespace {

// Names grow with each reference to a part of themselves; real ones are this long.
constexpr std::size_t kNameMax = 256;

void demangle(std::span<const std::uint8_t> octets)
{
    const std::string name(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(
                                                                std::min(octets.size(), kNameMax)));
    const std::string result = cell::call::demangled(name.c_str());
    fuzz::require(name.starts_with("_Z") || result == name.c_str(),
                  "a name that is not mangled was changed to " + result);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    fuzz::Input input(data, size);
    cell::backend::Faulted fault{.vector = input.octet() % 32U,
                                 .code = input.octet(),
                                 .address = input.number(8),
                                 .registers = {}};
    const unsigned kind = input.octet() % (SBM_FAULT_KILLED + 1U);
    const std::span<const std::uint8_t> words = input.rest();

    // Of exactly that size, and without a zero at the end.
    const auto copy = std::make_unique<char[]>(words.size());
    std::ranges::copy(words, copy.get());
    const std::string detail = cell::call::printable(copy.get(), words.size());
    fuzz::require(detail.size() <= words.size() * 4, "longer than it can be");
    fuzz::require(fuzz::is_plain(detail) && detail.find('\n') == std::string::npos,
                  "a control character");
    fuzz::require(std::ranges::all_of(detail, [](unsigned char c) { return c < 0x80; }),
                  "no ASCII");

    cell::call::FaultRecord record = cell::call::classify(fault, nullptr);
    fuzz::require(!record.summary().empty(), "no words for a fault");
    record.kind = static_cast<sbm_fault_kind>(kind);
    record.detail = kind == SBM_FAULT_IMPORT ? detail.substr(0, kNameMax) : detail;
    cell::call::FaultReport report(record);
    fuzz::require(fuzz::is_plain(report.get(nullptr)->text), "a control character");
    demangle(words);
    return 0;
}
