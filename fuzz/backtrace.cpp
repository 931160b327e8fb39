// SPDX-License-Identifier: Apache-2.0
//
// The report about a fault of a cell. The input is the cell's registers and stack, of
// which nothing need be true; the walk must stay in the cell's memory and end.
#include "cell.hpp"

#include "call/fault.hpp"
#include "cell_proxies.h"

#include <cstring>

// No proxy is called here.
long fuzz_read(const void *, size_t)
{
    return 0;
}

long fuzz_write(void *, size_t)
{
    return 0;
}

long fuzz_change(void *, size_t)
{
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    fuzz::Input input(data, size);
    fuzz::Cell &cell = fuzz::Cell::instance();
    cell::backend::Faulted fault{.vector = input.octet() % 32U,
                                 .code = input.octet(),
                                 .address = cell.address(input),
                                 .registers = {}};
    for (std::uint64_t &value : fault.registers.values)
        value = input.octet() % 2 == 0 ? cell.address(input) : input.number(8);
    // The stack from its top down, as far as the input goes.
    std::uint64_t at = cell.address(fuzz::Anchor::stack_top);
    for (std::size_t words = 0; words < 256 && !input.empty(); words++) {
        const std::uint64_t word = input.octet() % 2 == 0 ? cell.address(input) : input.number(8);
        at -= sizeof word;
        std::memcpy(cell.image().host(at, sizeof word, 0), &word, sizeof word);
    }
    cell::call::FaultReport report(cell::call::classify(fault, &cell.image()));
    const sbm_fault *told = report.get(&cell.image());
    for (const char *text : {told->text, told->backtrace, told->function, told->file})
        fuzz::require(fuzz::is_plain(text), "a control character");
    fuzz::require(std::ranges::count(std::string_view(told->backtrace), '\n') <= 65,
                  "more frames than a report has");
    cell.restore();
    return 0;
}
