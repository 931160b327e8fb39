// SPDX-License-Identifier: Apache-2.0
//
// Serving a proxy call of a cell.
#pragma once

#include "backend/backend.hpp"
#include "call/arena.hpp"

#include <sbm/detail/host_function.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace cell::call {

// The imports of a module, and what the program provides for them.
class Imports {
public:
    struct Entry {
        std::uint64_t address; // of the record, in cells
        std::string name, signature;
        sbm::detail::HostFunction function; // without `enter`: not provided
    };

    void add(Entry entry) { entries_.push_back(std::move(entry)); }
    const Entry *find(std::uint64_t address) const
    {
        for (const Entry &entry : entries_)
            if (entry.address == address)
                return &entry;
        return nullptr;
    }
    Entry *find(std::string_view name)
    {
        for (Entry &entry : entries_)
            if (entry.name == name)
                return &entry;
        return nullptr;
    }

private:
    std::vector<Entry> entries_;
};

// Checks the call, copies its arguments once, runs the function and copies its outputs
// back. Without `imports`, the proxies of the image's object are meant. The function's value,
// or why the call is refused (Errc::fault).
Result<std::int64_t> serve_host_call(const backend::HostCall &call, const image::CellImage &image,
                                     const Arena &arena, const Imports *imports) noexcept;

} // namespace cell::call
