// SPDX-License-Identifier: Apache-2.0
//
// The page tables of a cell's virtual machine, written by the host.
//
// Some hosts shadow them and do not notice when an entry changes (host-facts in
// docs/vm.md): so an entry is written once, from not present to present, and only
// changed when its memory is taken away from the machine, which they do notice. Accessed and dirty
// bits are set beforehand, so that the processor has no reason to write either.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>

namespace cell::backend::vm {

class PageTables {
public:
    // Tables are taken from [memory, memory + size), which the machine has at
    // guest-physical `physical`.
    PageTables(std::byte *memory, std::uint64_t size, std::uint64_t physical);

    std::uint64_t root() const { return root_; }

    struct Rights {
        bool write;
        bool execute;
        bool user;
    };

    // Maps [address, address + size) to guest-physical `target`; all multiples of
    // the page size. Takes large pages where both sides allow. Pages that are
    // present already stay as they are.
    Result<void> map(std::uint64_t address, std::uint64_t size, std::uint64_t target,
                     Rights rights);

    // Gives [address, address + size), which is one that `map` was given, other rights, under
    // a root of its own: a processor that loads it knows nothing of what was there before. Of
    // an entry that only changes it may still know that.
    Result<void> replace(std::uint64_t address, std::uint64_t size, Rights rights);

    // Nothing is at [address, address + size) any more, which is what one `map` was given.
    void unmap(std::uint64_t address, std::uint64_t size);

private:
    std::uint64_t *table_at(std::uint64_t physical) const;
    std::uint64_t *find(std::uint64_t address) const;
    std::uint64_t *descend(std::uint64_t *table, std::uint64_t index);
    std::uint64_t *take();
    std::uint64_t *own(std::uint64_t *table, std::uint64_t index, std::uint64_t first_own);

    std::byte *memory_;
    std::uint64_t size_, physical_, used_;
    std::uint64_t root_ = physical_;
};

} // namespace cell::backend::vm
