// SPDX-License-Identifier: Apache-2.0
//
// The way out of the cell, and the report that goes with it. Digits are made by
// hand: a report must not depend on functions that may have led to it.
#include "runtime.hpp"

// In .data and not in .bss, so that the host finds it in the file's own bytes.
extern "C" {
__attribute__((section(".data"))) struct sbm_mailbox *__sbm_mailbox = nullptr;
}

namespace sbm::cell {

void leave(enum sbm_exit exit)
{
    reinterpret_cast<void (*)(std::uint32_t)>(__sbm_mailbox->leave)(exit);
}

Report::Report(const char *text)
{
    __sbm_mailbox->report[0] = '\0';
    this->text(text);
}

void Report::put(char c)
{
    if (size_ + 1 >= SBM_REPORT_BYTES)
        return;
    __sbm_mailbox->report[size_++] = c;
    __sbm_mailbox->report[size_] = '\0';
}

Report &Report::text(const char *text)
{
    if (text == nullptr)
        text = "(null)";
    return this->text(text, SIZE_MAX);
}

// Up to `size` bytes or a zero byte. The room in the mailbox bounds the loop.
Report &Report::text(const char *text, std::size_t size)
{
    for (; size != 0 && *text != '\0' && size_ + 1 < SBM_REPORT_BYTES; size--)
        put(*text++);
    return *this;
}

Report &Report::decimal(std::int64_t value)
{
    if (value < 0)
        put('-');
    const auto bits = static_cast<std::uint64_t>(value);
    return decimal_unsigned(value < 0 ? 0 - bits : bits);
}

Report &Report::decimal_unsigned(std::uint64_t value)
{
    char digits[20];
    std::size_t count = 0;
    do {
        digits[count++] = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count != 0)
        put(digits[--count]);
    return *this;
}

Report &Report::address(const void *value)
{
    const auto bits = reinterpret_cast<std::uintptr_t>(value);
    put('0');
    put('x');
    bool significant = false;
    for (int shift = 60; shift >= 0; shift -= 4) {
        const auto digit = static_cast<unsigned>(bits >> shift) & 15U;
        significant = significant || digit != 0 || shift == 0;
        if (significant)
            put("0123456789abcdef"[digit]);
    }
    return *this;
}

// The host never resumes an aborted cell; if it did, it would hear the same again.
void Report::give_up()
{
    for (;;)
        leave(SBM_EXIT_ABORT);
}

} // namespace sbm::cell
