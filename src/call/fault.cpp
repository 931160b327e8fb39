// SPDX-License-Identifier: Apache-2.0
#include "call/fault.hpp"

#include "call/symbols.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>

namespace cell::call {
namespace {

template <class... T> struct Overloaded : T... {
    using T::operator()...;
};
template <class... T> Overloaded(T...) -> Overloaded<T...>;

[[gnu::format(printf, 1, 2)]] std::string format(const char *pattern, ...)
{
    char text[512];
    va_list list;
    va_start(list, pattern);
    std::vsnprintf(text, sizeof text, pattern, list);
    va_end(list);
    return text;
}

// Error code of a page fault: Intel SDM volume 3, 4.7.
sbm_access access_of(std::uint64_t code)
{
    constexpr std::uint64_t kWrite = 2, kFetch = 16;
    return code & kFetch ? SBM_ACCESS_EXECUTE : code & kWrite ? SBM_ACCESS_WRITE : SBM_ACCESS_READ;
}

FaultRecord classify_page_fault(const backend::Faulted &fault, const image::CellImage *image)
{
    FaultRecord record{.kind = SBM_FAULT_MEMORY,
                       .access = access_of(fault.code),
                       .address = fault.address,
                       .registers = fault.registers,
                       .detail = {}};
    if (const char *name = image ? image->import_at(fault.address) : nullptr) {
        record.kind = SBM_FAULT_IMPORT;
        record.detail = name;
    } else if (image && image->is_stack_guard(fault.address)) {
        record.kind = SBM_FAULT_STACK;
    }
    return record;
}

// `int $0x80`, the old way into the kernel: hosts differ in how they refuse it.
bool is_old_system_call(const backend::Faulted &fault, const image::CellImage *image)
{
    constexpr unsigned char kInstruction[] = {0xcd, 0x80};
    // No number of a module's system calls leaves it.
    if (image && image->is_module())
        return false;
    const std::byte *code =
        image ? image->host(fault.registers.instruction(), sizeof kInstruction, PROT_EXEC)
              : nullptr;
    return code && std::memcmp(code, kInstruction, sizeof kInstruction) == 0;
}

FaultRecord classify_exception(const backend::Faulted &fault, const image::CellImage *image)
{
    FaultRecord record{.kind = SBM_FAULT_PROTECTION,
                       .access = SBM_ACCESS_NONE,
                       .address = 0,
                       .registers = fault.registers,
                       .detail = {}};
    if ((fault.vector == 6 || fault.vector == 13) && is_old_system_call(fault, image)) {
        record.kind = SBM_FAULT_SYSTEM_CALL;
        record.address = fault.registers.accumulator() & 0xffffffff;
        return record;
    }
    switch (fault.vector) {
    case 14:
        return classify_page_fault(fault, image);
    case 0:
    case 16:
    case 19:
        record.kind = SBM_FAULT_ARITHMETIC;
        break;
    case 1:
    case 3:
        record.kind = SBM_FAULT_TRAP;
        break;
    case 6:
        record.kind = SBM_FAULT_INSTRUCTION;
        break;
    case 17:
        record.kind = SBM_FAULT_ALIGNMENT;
        break;
    default:
        break;
    }
    return record;
}

sbm_fault_kind kind_of(backend::Limit limit)
{
    switch (limit) {
    case backend::Limit::cpu_time:
        return SBM_FAULT_CPU_TIME;
    case backend::Limit::cancelled:
        return SBM_FAULT_CANCELLED;
    default:
        return SBM_FAULT_WALL_TIME;
    }
}

} // namespace

std::string printable(const char *bytes, std::size_t limit)
{
    std::string text;
    for (std::size_t i = 0; i < limit && bytes[i] != '\0'; i++) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        if (byte >= 0x20 && byte < 0x7f)
            text += bytes[i];
        else
            text += format("\\x%02x", byte);
    }
    return text;
}

FaultRecord classify(const backend::Exit &exit, const image::CellImage *image)
{
    const auto aborted = [&](const backend::Aborted &at) -> FaultRecord {
        char report[SBM_REPORT_BYTES] = ""; // the cell's memory: one copy, then that copy
        if (image)
            std::memcpy(report, image->mailbox().report, sizeof report);
        return {.kind = SBM_FAULT_ABORT,
                .access = SBM_ACCESS_NONE,
                .address = 0,
                .registers = at.registers.stack() ? std::optional(at.registers) : std::nullopt,
                .detail = printable(report, sizeof report)};
    };
    const auto plain = [](sbm_fault_kind kind, std::string detail) -> FaultRecord {
        return {.kind = kind,
                .access = SBM_ACCESS_NONE,
                .address = 0,
                .registers = std::nullopt,
                .detail = std::move(detail)};
    };
    return std::visit(
        Overloaded{
            [&](const backend::Faulted &at) { return classify_exception(at, image); },
            [&](const backend::Aborted &at) { return aborted(at); },
            [](const backend::SystemCall &at) -> FaultRecord {
                return {.kind = SBM_FAULT_SYSTEM_CALL,
                        .access = SBM_ACCESS_NONE,
                        .address = at.number,
                        .registers = at.registers,
                        .detail = {}};
            },
            [](const backend::TimedOut &at) -> FaultRecord {
                return {.kind = kind_of(at.limit),
                        .access = SBM_ACCESS_NONE,
                        .address = 0,
                        .registers =
                            at.registers.stack() ? std::optional(at.registers) : std::nullopt,
                        .detail = {}};
            },
            [&](const backend::Killed &at) { return plain(SBM_FAULT_KILLED, at.reason.text()); },
            [&](const backend::Returned &) { return plain(SBM_FAULT_KILLED, "it returned"); },
            [&](const backend::HostCall &) { return plain(SBM_FAULT_HOST_CALL, "a host call"); },
        },
        exit);
}

std::string log_of(const image::CellImage &image)
{
    const sbm_mailbox &box = image.mailbox();
    const std::uint64_t written = *static_cast<const volatile std::uint64_t *>(&box.log_written);
    std::string copy(std::min<std::uint64_t>(written, sizeof box.log), '\0');
    std::memcpy(copy.data(), box.log, copy.size());
    std::string text;
    for (std::size_t start = 0; start < copy.size();) { // line by line: a line's end stays
        const std::size_t end = std::min(copy.find('\n', start), copy.size());
        text += printable(copy.data() + start, end - start);
        if (end < copy.size())
            text += '\n';
        start = end + 1;
    }
    if (written > copy.size())
        text += format("[%" PRIu64 " bytes more]\n", written - copy.size());
    return text;
}

std::vector<RefusedCall> refused_calls_of(const image::CellImage &image)
{
    sbm_refused_call entries[SBM_REFUSED_CALLS];
    std::memcpy(entries, image.mailbox().refused, sizeof entries);
    std::vector<RefusedCall> calls;
    for (const sbm_refused_call &entry : entries)
        if (entry.name[0] != '\0' && entry.count != 0)
            calls.push_back({printable(entry.name, sizeof entry.name), entry.count});
    return calls;
}

const sbm_fault *FaultReport::get(const image::CellImage *image)
{
    if (!described_)
        describe(image);
    return &fault_;
}

void FaultReport::describe(const image::CellImage *image)
{
    described_ = true;
    const std::uint64_t instruction = record_.registers ? record_.registers->instruction() : 0;
    if (image && record_.registers) {
        const std::vector<Frame> frames = trace(*image, *record_.registers);
        for (std::size_t i = 0; i < frames.size(); i++)
            backtrace_ += format("#%zu %s\n", i, frames[i].text().c_str());
        for (const Frame &frame : frames) {
            if (frame.function.empty() || frame.in_runtime)
                continue; // the caller knows his own functions, not the runtime's
            function_ = frame.function;
            file_ = frame.file;
            line_ = frame.line;
            break;
        }
    }
    text_ = sentence();
    fault_ = {record_.kind,  record_.access, record_.address,    instruction,  function_.c_str(),
              file_.c_str(), line_,          backtrace_.c_str(), text_.c_str()};
}

namespace {

const char *verb(sbm_access access)
{
    switch (access) {
    case SBM_ACCESS_READ:
        return "read from";
    case SBM_ACCESS_WRITE:
        return "write to";
    case SBM_ACCESS_EXECUTE:
        return "jump to";
    case SBM_ACCESS_NONE:
        break;
    }
    return "access to";
}

} // namespace

std::string FaultRecord::summary() const
{
    switch (kind) {
    case SBM_FAULT_MEMORY:
        return format("%s %#" PRIx64 ", which the cell was not given", verb(access), address);
    case SBM_FAULT_STACK:
        return format("stack overflow (%s %#" PRIx64 ")", verb(access), address);
    case SBM_FAULT_PROTECTION:
        return "general protection fault";
    case SBM_FAULT_INSTRUCTION:
        return "undefined instruction";
    case SBM_FAULT_ARITHMETIC:
        return "arithmetic exception";
    case SBM_FAULT_ALIGNMENT:
        return "misaligned access under alignment check";
    case SBM_FAULT_TRAP:
        return "breakpoint or single step";
    case SBM_FAULT_SYSTEM_CALL:
        return format("system call %" PRId64 ", and a cell has none",
                      static_cast<std::int64_t>(address));
    case SBM_FAULT_IMPORT:
        return format("%s `%s`, which is not available in a cell",
                      access == SBM_ACCESS_EXECUTE ? "call of" : "use of",
                      demangled(detail.c_str()).c_str());
    case SBM_FAULT_ABORT:
        return detail.empty() ? "aborted" : "aborted: " + detail;
    case SBM_FAULT_HOST_CALL:
        return "call of a proxy that was refused: " + detail;
    case SBM_FAULT_BUFFER_UNDERRUN:
        return "wrote outside a buffer: " + detail;
    case SBM_FAULT_CPU_TIME:
        return "used up its processor time";
    case SBM_FAULT_WALL_TIME:
        return "used up its time";
    case SBM_FAULT_CANCELLED:
        return "cancelled by the program";
    case SBM_FAULT_KILLED:
        return "the cell ended: " + detail;
    }
    return "?";
}

std::string FaultReport::sentence() const
{
    std::string text = record_.summary();
    if (!function_.empty())
        text += " in " + function_;
    if (!file_.empty())
        text += format(" (%s:%d)", file_.c_str(), line_);
    return text;
}

} // namespace cell::call
