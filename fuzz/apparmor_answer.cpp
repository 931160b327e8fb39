// SPDX-License-Identifier: Apache-2.0
//
// A cell that lies about a policy. The input is a number of lies, eight octets each,
// and the policy. The checker may refuse a lie, but must not make another policy of
// it. Rules that only the cell verifies (the inside of a DFA) are not its concern:
// of a policy that was honestly refused, nothing is demanded but that it ends well.
#include "input.hpp"

#include "check.hpp"
#include "test_policy.hpp"

#include <cstring>

using namespace apparmor_policy;

namespace {

constexpr unsigned kLiesMax = 8;

void lie(test::RawResult &raw, fuzz::Input &input)
{
    const unsigned kind = input.octet();
    const unsigned field = input.octet();
    const std::size_t index = raw.items.empty() ? 0 : input.half() % raw.items.size();
    const std::uint32_t value = input.word();
    std::uint32_t *const summary[] = {&raw.summary.error, &raw.summary.error_offset,
                                      &raw.summary.items, &raw.summary.profiles};
    if (kind % 8 == 0) {
        *summary[field % 4] = value;
        return;
    }
    if (raw.items.empty())
        return;
    const auto at = raw.items.begin() + static_cast<std::ptrdiff_t>(index);
    switch (kind % 8) {
    case 1:
    case 2:
    case 3: { // one of the six words of an item
        std::uint32_t words[sizeof(policy_item) / 4];
        std::memcpy(words, &*at, sizeof words);
        std::uint32_t &word = words[field % std::size(words)];
        word = kind % 8 == 1 ? value : word + value;
        std::memcpy(&*at, words, sizeof words);
        break;
    }
    case 4:
        raw.items.erase(at);
        raw.summary.items--;
        break;
    case 5: {
        const policy_item copy = raw.items[value % raw.items.size()];
        raw.items.insert(at, copy);
        raw.summary.items++;
        break;
    }
    case 6:
        std::swap(*at, raw.items[value % raw.items.size()]);
        break;
    default:
        raw.summary.error = POLICY_OK;
        raw.summary.error_offset = 0;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    fuzz::Input input(data, size);
    const unsigned lies = input.octet() % (kLiesMax + 1);
    fuzz::Input patch = input;
    for (unsigned i = 0; i < lies; i++)
        input.number(8);
    const test::Bytes policy(input.rest().begin(), input.rest().end());

    test::RawResult raw = test::unpack_directly(policy);
    raw.items.resize(std::min<std::size_t>(raw.items.size(), raw.summary.items));
    const auto truth = check_policy(policy, raw.summary, raw.items);
    for (unsigned i = 0; i < lies; i++)
        lie(raw, patch);
    const auto outcome = check_policy(policy, raw.summary, raw.items);
    if (std::holds_alternative<Policy>(truth) && std::holds_alternative<Policy>(outcome))
        fuzz::require(std::get<Policy>(outcome) == std::get<Policy>(truth), "a lie was accepted");
    return 0;
}
