// SPDX-License-Identifier: Apache-2.0
//
// What is in a cell when it starts: which addresses exist, with which rights and
// what content. Both strong levels run the same image.
//
// All memory that a cell can write lies in one memory file, the *window*, which
// the host has mapped too. The window keeps one range of the host's addresses,
// and the cell sees its parts at those same addresses, so that nothing of the
// image can collide with the object that the cell's functions come from. The
// object's own writable data is in the window as well, but the cell sees it at
// the addresses that the object's code expects.
#pragma once

#include "abi/mailbox.h"
#include "base/checked.hpp"
#include "base/result.hpp"
#include "image/cell_parts.hpp"
#include "image/object.hpp"
#include "image/runtime.hpp"
#include "os/clock.hpp"
#include "os/memory.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace cell::image {

class ModuleFile;
struct ModuleLayout;
struct ModuleTemplate;

// A reset zeroes so many bytes of each part in place and gives the rest back to the kernel.
// Zeroing a page costs 0.1 us, and touching one that was given back up to 6 us.
inline constexpr std::uint64_t kKeepOnReset = std::uint64_t{4} << 20;

// Address space below the stack that stays empty: frames larger than a page step
// over a single guard page.
inline constexpr std::uint64_t kStackGuard = std::uint64_t{1} << 20;

struct ImageOptions {
    std::uint64_t memory; // heap bytes
    std::uint64_t stack;  // stack bytes
};

class CellImage {
public:
    // The image of the in-place functions of `object`.
    static Result<CellImage> build(const LoadedObject &object, const ImageOptions &options);

    const std::vector<Region> &regions() const { return regions_; }

    // What a backend needs of it; as long as the image stays where it is.
    CellParts parts() const;
    const LoadedObject &object() const { return object_; }

    sbm_mailbox &mailbox() const;
    std::uint64_t mailbox_address() const { return mailbox_; }

    // One page that the cell may read: the argument structure of a call.
    std::uint64_t arguments_address() const { return arguments_; }
    std::byte *arguments() const { return window_.data() + (arguments_ - cell_base_); }

    // What the helper of the process level reads; the cell cannot write it.
    sbm_cell_constants &cell_constants() const
    {
        return *reinterpret_cast<sbm_cell_constants *>(window_.data() + cell_constants_);
    }

    std::uint64_t runtime_address() const { return runtime_; } // where its object starts
    std::uint64_t entry() const { return entry_; }             // __sbm_call of the runtime
    std::uint64_t serve() const { return serve_; }             // and __sbm_serve
    std::uint64_t stack_top() const { return stack_ + stack_size_; }
    std::uint64_t thread_pointer() const { return thread_pointer_; }

    // Addresses that nothing in the cell uses, for the vm level's own pages.
    std::uint64_t system_window() const { return system_window_; }
    static constexpr std::uint64_t kSystemPages = 16;

    bool is_stack_guard(std::uint64_t address) const;
    // Is `address` in the object's code?
    bool has_code_at(std::uint64_t address) const;
    // The name of the import that `address` stands for, or nullptr.
    const char *import_at(std::uint64_t address) const;

    // The proxies that the object declares, in host memory.
    AddressRange proxies() const { return proxies_; }

    // Modules only, else 0: where `syscall` instructions continue.
    std::uint64_t system_call_entry() const { return system_call_entry_; }
    // Modules only: code that runs the constructors, and what it takes.
    std::uint64_t start_function() const { return start_function_; }
    std::uint64_t start_data() const { return start_data_; }
    bool is_module() const { return system_call_entry_ != 0; }
    const ModuleFile &module() const { return *module_; }
    const ModuleLayout &layout() const { return *layout_; }

    // Modules only: what the constructors have left is what later calls find, in the same
    // cell. Gives the pages that are constant from now on; a fault if the start code has set
    // no thread pointer.
    Result<AddressRange> finish_start(const os::TickRate &rate);

    // Before each call of a module: its clocks show the time, its log is empty.
    void prepare_call() noexcept
    {
        if (is_module())
            prepare_module_call();
    }

    // Memory as it was after build, but for random numbers. Call with the cell stopped.
    Result<void> restore();
    // A module's first cell has nothing to be restored from.
    bool can_be_restored() const { return !is_module() || template_; }

    // The memory behind [address, address + size) of the cell if it lies within
    // one region that has all of `protection`, else nullptr.
    std::byte *host(std::uint64_t address, std::uint64_t size, int protection) const;

private:
    friend class ImageBuilder;
    friend class ModuleImageBuilder;
    friend Result<std::shared_ptr<const ModuleTemplate>> make_template(const CellImage &,
                                                                       const os::TickRate &);

    struct Pristine {
        std::uint64_t offset;
        std::vector<std::byte> bytes;
    };
    struct Zero {
        std::uint64_t offset;
        std::uint64_t size;
    };

    std::shared_ptr<const ModuleFile> module_;
    std::shared_ptr<const ModuleLayout> layout_;
    std::shared_ptr<const ModuleTemplate> template_; // not in the first cell of a module
    LoadedObject object_;
    os::Descriptor object_file_;
    os::Descriptor window_file_;
    os::Mapping window_;
    std::uint64_t window_bytes_ = 0; // of the window that have memory behind them
    std::uint64_t cell_base_ = 0;    // where cells have the window
    std::shared_ptr<const os::Mapping> constants_;
    std::vector<Region> regions_;
    std::vector<Pristine> pristine_;
    std::vector<Zero> zero_;
    std::vector<std::string> imports_;
    AddressRange proxies_;
    std::uint64_t cell_constants_ = 0; // in the window
    std::uint64_t mailbox_ = 0, arguments_ = 0, runtime_ = 0, entry_ = 0, serve_ = 0, stack_ = 0,
                  stack_size_ = 0;
    std::uint64_t start_stack_ = 0; // of a module's first cell
    std::uint64_t thread_pointer_ = 0, system_window_ = 0, imports_start_ = 0;
    std::uint64_t system_call_entry_ = 0, start_function_ = 0, start_data_ = 0;

    Result<std::uint64_t> started_thread_pointer() const;
    Result<void> restore_module();
    void restore_piece(std::uint64_t start, std::uint64_t end, std::uint64_t &kept) noexcept;
    Result<void> make_unique() noexcept;
    void prepare_module_call() noexcept;
    // Pieces of the window that have memory, and of how much memory that was found.
    os::Touched touched_;
    std::uint64_t clock_ticks_ = 0; // when the clocks were last looked at; 0: never
    os::TickRate rate_;             // of a module's clocks; not while it starts
};

} // namespace cell::image
