// SPDX-License-Identifier: Apache-2.0
#include "call/symbols.hpp"

#include "image/runtime.hpp"
#include "os/memory.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <memory>
#include <sys/mman.h>

namespace cell::call {
namespace {

constexpr std::size_t kFramesMax = 64;
constexpr std::uint64_t kScanWords = 64;

// The order of x86-64 registers in DWARF, as indices into Registers.
constexpr std::size_t kDwarfOrder[] = {13, 12, 14, 11, 9, 8, 10, 15, 0, 1, 2, 3, 4, 5, 6, 7, 16};

struct Walk {
    const image::CellImage *image;
    backend::Registers registers;
    std::vector<std::uint64_t> addresses;
};

pid_t next_thread(Dwfl *, void *argument, void **thread)
{
    if (*thread)
        return 0;
    *thread = argument;
    return 1; // any number: the one thread of the cell
}

bool read_memory(Dwfl *, Dwarf_Addr address, Dwarf_Word *result, void *argument)
{
    const auto &walk = *static_cast<const Walk *>(argument);
    const std::byte *memory = walk.image->host(address, sizeof *result, PROT_READ);
    if (!memory)
        return false;
    std::memcpy(result, memory, sizeof *result);
    return true;
}

bool set_registers(Dwfl_Thread *thread, void *argument)
{
    const auto &walk = *static_cast<const Walk *>(argument);
    Dwarf_Word values[std::size(kDwarfOrder)];
    for (std::size_t i = 0; i < std::size(kDwarfOrder); i++)
        values[i] = walk.registers.values[kDwarfOrder[i]];
    return dwfl_thread_state_registers(thread, 0, std::size(values), values);
}

int add_frame(Dwfl_Frame *state, void *argument)
{
    auto &walk = *static_cast<Walk *>(argument);
    Dwarf_Addr address;
    bool is_activation;
    if (!dwfl_frame_pc(state, &address, &is_activation))
        return DWARF_CB_ABORT;
    // A return address may lie in the next function: step back into the call.
    walk.addresses.push_back(is_activation ? address : address - 1);
    return walk.addresses.size() < kFramesMax ? DWARF_CB_OK : DWARF_CB_ABORT;
}

// A thunk into which its function was inlined goes by the function's name.
std::string without_thunk(const std::string &name)
{
    constexpr std::string_view kThunk = "__sbm_thunk_";
    return name.starts_with(kThunk) ? name.substr(kThunk.size()) : name;
}

struct DwflEnd {
    void operator()(Dwfl *dwfl) const { dwfl_end(dwfl); }
};

// The object that the cell runs, as libdwfl knows it. Separate debug files are
// found by build id below /usr/lib/debug; nothing is fetched from anywhere.
class Symbols {
public:
    explicit Symbols(const image::CellImage &image) : image_(image)
    {
        static const Dwfl_Callbacks callbacks = {
            .find_elf = dwfl_build_id_find_elf,
            .find_debuginfo = dwfl_build_id_find_debuginfo,
            .section_address = dwfl_offline_section_address,
            .debuginfo_path = nullptr,
        };
        dwfl_.reset(dwfl_begin(&callbacks));
        if (!dwfl_)
            return;
        dwfl_report_begin(dwfl_.get());
        const std::string &path = image.object().path;
        dwfl_report_elf(dwfl_.get(), path.c_str(), path.c_str(), -1, image.object().base, false);
        report_runtime();
        dwfl_report_end(dwfl_.get(), nullptr, nullptr);
    }

    std::vector<std::uint64_t> walk(const backend::Registers &registers)
    {
        if (has_unwind_information(registers.instruction()))
            return unwind(registers);
        // Some of the runtime's code, or a jump to nowhere: go on at the caller, whose
        // address is near the top of the stack.
        std::vector<std::uint64_t> addresses = {registers.instruction()};
        backend::Registers caller = registers;
        if (step_to_caller(caller)) {
            const std::vector<std::uint64_t> rest = unwind(caller);
            addresses.insert(addresses.end(), rest.begin(), rest.end());
        }
        return addresses;
    }

    Frame describe(std::uint64_t address)
    {
        Frame frame;
        frame.address = address;
        frame.in_runtime = !image_.has_code_at(address);
        Dwfl_Module *module = dwfl_ ? dwfl_addrmodule(dwfl_.get(), address) : nullptr;
        if (!module)
            return frame;
        if (const char *name = dwfl_module_addrname(module, address))
            frame.function = without_thunk(demangled(name));
        int line = 0;
        Dwfl_Line *source = dwfl_module_getsrc(module, address);
        if (const char *file =
                source ? dwfl_lineinfo(source, nullptr, &line, nullptr, nullptr, nullptr)
                       : nullptr) {
            frame.file = file;
            frame.line = line;
        }
        return frame;
    }

private:
    bool has_unwind_information(std::uint64_t address) const
    {
        Dwfl_Module *module = dwfl_ ? dwfl_addrmodule(dwfl_.get(), address) : nullptr;
        Dwarf_Addr bias = 0;
        Dwarf_CFI *table = module ? dwfl_module_eh_cfi(module, &bias) : nullptr;
        Dwarf_Frame *frame = nullptr;
        const bool found = table && dwarf_cfi_addrframe(table, address - bias, &frame) == 0;
        std::free(frame);
        return found;
    }

    // The frames that unwind information leads to; at least the first.
    std::vector<std::uint64_t> unwind(const backend::Registers &registers)
    {
        static const Dwfl_Thread_Callbacks callbacks = {
            .next_thread = next_thread,
            .get_thread = nullptr,
            .memory_read = read_memory,
            .set_initial_registers = set_registers,
            .detach = nullptr,
            .thread_detach = nullptr,
        };
        walk_ = {&image_, registers, {}};
        if (!is_attached_ && dwfl_)
            is_attached_ = dwfl_attach_state(dwfl_.get(), nullptr, 1, &callbacks, &walk_);
        if (is_attached_)
            dwfl_getthread_frames(dwfl_.get(), 1, add_frame, &walk_);
        if (walk_.addresses.empty())
            walk_.addresses.push_back(registers.instruction());
        return walk_.addresses;
    }

    // Is `address` where a call of the object returns to? x86-64 calls take two to
    // seven bytes; these are the common forms.
    bool is_after_call(std::uint64_t address) const
    {
        const std::byte *code = image_.host(address - 7, 7, PROT_EXEC);
        if (!code || !image_.has_code_at(address))
            return false;
        const auto at = [&](int back) { return std::to_integer<unsigned>(code[7 - back]); };
        const auto is_indirect = [&](int back) {
            return at(back) == 0xff && (at(back - 1) & 0x38) == 0x10;
        };
        return at(5) == 0xe8 || is_indirect(2) || is_indirect(3) || is_indirect(6) ||
               is_indirect(7);
    }

    bool step_to_caller(backend::Registers &registers) const
    {
        std::uint64_t stack = registers.stack();
        for (std::uint64_t i = 0; i < kScanWords; i++, stack += sizeof stack) {
            const std::byte *memory = image_.host(stack, sizeof stack, PROT_READ);
            if (!memory)
                return false;
            std::uint64_t word;
            std::memcpy(&word, memory, sizeof word);
            if (!is_after_call(word))
                continue;
            registers.values[backend::Registers::kInstruction] = word - 1;
            registers.values[backend::Registers::kStack] = stack + sizeof stack;
            return true;
        }
        return false;
    }

    // Lets libdwfl unwind the runtime's functions. It takes the descriptor.
    void report_runtime()
    {
        const auto runtime = image::Runtime::open();
        if (!runtime)
            return;
        auto file = os::program_file("sbm-runtime", runtime->file());
        if (file && dwfl_report_elf(dwfl_.get(), "sbm-runtime", "sbm-runtime", file->get(),
                                    image_.runtime_address(), true))
            static_cast<void>(file->release());
    }

    const image::CellImage &image_;
    std::unique_ptr<Dwfl, DwflEnd> dwfl_;
    Walk walk_{};
    bool is_attached_ = false;
};

} // namespace

std::string Frame::text() const
{
    char text[32];
    std::snprintf(text, sizeof text, "%#" PRIx64, address);
    std::string result = text;
    result += " in " + (function.empty() ? (in_runtime ? "the cell's runtime" : "?") : function);
    if (!file.empty())
        result += " at " + file + ":" + std::to_string(line);
    return result;
}

std::vector<Frame> trace(const image::CellImage &image, const backend::Registers &registers)
{
    Symbols symbols(image);
    std::vector<Frame> frames;
    for (const std::uint64_t address : symbols.walk(registers))
        frames.push_back(symbols.describe(address));
    // The outermost frame is how the runtime entered the function.
    while (frames.size() > 1 && frames.back().in_runtime)
        frames.pop_back();
    return frames;
}

std::string demangled(const char *name)
{
    // Without this prefix the demangler reads a type: `f` would become `float`.
    if (std::strncmp(name, "_Z", 2) != 0)
        return name;
    struct Free {
        void operator()(char *text) const { std::free(text); }
    };
    int status = 0;
    const std::unique_ptr<char, Free> text(abi::__cxa_demangle(name, nullptr, nullptr, &status));
    return status == 0 && text ? text.get() : name;
}

} // namespace cell::call
