// SPDX-License-Identifier: Apache-2.0
#include "dynamic_call.hpp"

#include <sbm/detail/untyped.hpp>

#include <cstdint>
#include <cstring>

namespace cli {
namespace {

using sbm::detail::Transfer;

Transfer transfer_of(const Parameter &parameter, Bytes &bytes)
{
    const bool comes_in = parameter.way != Parameter::Way::out;
    const bool comes_out = parameter.way != Parameter::Way::in;
    return {comes_in ? bytes.data() : nullptr, comes_out ? bytes.data() : nullptr, bytes.size(),
            parameter.type.alignment};
}

// The argument structure as the function in the cell reads it.
Bytes make_block(const Signature &signature, std::span<Bytes *const> arguments,
                 std::span<const Transfer> transfers, const void *result)
{
    const Layout layout = layout_of(signature);
    Bytes block(layout.size);
    const auto put = [&](std::size_t offset, const void *value, std::size_t size) {
        std::memcpy(block.data() + offset, value, size);
    };
    if (!signature.is_c)
        put(sizeof(void *), &result, sizeof result);
    std::size_t next = 0;
    for (std::size_t i = 0; i < signature.parameters.size(); i++) {
        const Parameter &parameter = signature.parameters[i];
        if (!parameter.is_buffer()) {
            put(layout.offsets[i], arguments[i]->data(), parameter.type.size);
            continue;
        }
        const Transfer &transfer = transfers[next++];
        const std::size_t count = transfer.size / parameter.type.size;
        put(layout.offsets[i], &transfer.address, sizeof transfer.address);
        if (!signature.is_c)
            put(layout.offsets[i] + sizeof transfer.address, &count, sizeof count);
    }
    return block;
}

} // namespace

sbm::Result<Bytes> call_untyped(sbm::Sandbox &sandbox, const sbm::Module &module,
                                const std::string &name, const Signature &signature,
                                std::span<Bytes *const> arguments)
{
    const auto thunk = sbm::detail::Untyped::find(module, name);
    if (!thunk)
        return thunk.error();
    std::vector<Transfer> transfers;
    for (std::size_t i = 0; i < signature.parameters.size(); i++)
        if (signature.parameters[i].is_buffer())
            transfers.push_back(transfer_of(signature.parameters[i], *arguments[i]));
    Bytes value(signature.result.size);
    const bool fits_register = value.size() <= sizeof(long);
    if (!fits_register)
        transfers.push_back({nullptr, value.data(), value.size(), signature.result.alignment});
    sbm::detail::Core &core = sbm::detail::Untyped::core(sandbox);
    if (const auto acquired = sbm::detail::acquire(core, transfers); !acquired)
        return acquired.error();
    const Bytes block = make_block(signature, arguments, transfers,
                                   fits_register ? nullptr : transfers.back().address);
    const auto word = sbm::detail::execute(core, *thunk, block.data(), block.size(), transfers);
    if (!word)
        return word.error();
    if (fits_register && !value.empty())
        std::memcpy(value.data(), &*word, value.size());
    return value;
}

} // namespace cli
