// SPDX-License-Identifier: Apache-2.0
//
// One cell at a strong level: an image, what enforces it, and how a call goes through.
#pragma once

#include "backend/backend.hpp"
#include "call/arena.hpp"
#include "call/fault.hpp"
#include "call/host_call.hpp"
#include "call/shared_memory.hpp"
#include "call/system_calls.hpp"
#include "image/cell_image.hpp"

#include <sbm/types.h>

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace cell::call {

// SBM_LEVEL_PROCESS or SBM_LEVEL_VM on this machine, or what is missing.
Result<std::shared_ptr<backend::Host>> find_host(sbm_level level);
// The same with two walls: the process that runs a cell is always another one, and confined. It
// may still be starting.
Result<std::shared_ptr<backend::Host>> find_confined_host(sbm_level level);

class Cell {
public:
    // Starts a cell that sees the memory of `arena`, which outlives it.
    static Result<std::unique_ptr<Cell>>
    start(image::CellImage image, std::unique_ptr<backend::Backend> backend, Arena &arena);

    const image::CellImage &image() const { return image_; }

    // What the code of a module may call; outlives the cell.
    void set_imports(const Imports *imports) { imports_ = imports; }

    // Who answers the system calls of an app; outlives the cell.
    void set_system(SystemCalls *system) { system_ = system; }

    // Calls function(data); with `size`, `data` is an argument structure of so many bytes,
    // of which the function gets a read-only copy. It sees the memory in `shares` besides;
    // if there is any, nothing in the cell runs after the call until the next one. Afterwards
    // `fault` tells of a call that did not return, and only a reset lets the cell be called
    // again.
    struct Order {
        std::uint64_t function;
        const void *data;
        std::size_t size;
        std::span<const Share> shares;
    };
    Result<long> call(const Order &order, const backend::Limits &limits,
                      std::optional<FaultRecord> &fault);

    // A module's first cell, once its constructors have come back and more is to be called
    // there: see CellImage.
    Result<void> finish_start(const os::TickRate &rate);

    // See Backend.
    Result<void> set_spin(std::uint64_t bound) { return backend_->set_spin(bound); }

    // A reset in two steps, between which the arena is reset.
    void halt();
    Result<void> restart();

    void cancel() noexcept { backend_->cancel(); }

    int process_id() const { return backend_->process_id(); }

    // In a forked child: what runs is the parent's.
    void abandon() { backend_->abandon(); }

private:
    Cell(image::CellImage image, std::unique_ptr<backend::Backend> backend, Arena &arena)
        : image_(std::move(image)), backend_(std::move(backend)), arena_(arena)
    {
    }

    Result<void> check_place(const image::Region &memory) const;
    Result<void> introduce_memory();
    Result<void> introduce();
    Result<void> share(std::span<const Share> shares);
    Result<void> take_back_others(std::span<const Share> shares);
    Result<long> run(std::uint64_t function, std::uint64_t argument, const backend::Limits &limits,
                     std::optional<FaultRecord> &fault);
    Result<long> settle(std::int64_t value);
    Result<bool> answer_system_call();

    image::CellImage image_;
    std::unique_ptr<backend::Backend> backend_;
    Arena &arena_;
    // Memory that the cell can see, from the last call.
    struct Lent {
        std::shared_ptr<SharedMemory> memory;
        Access access;
        bool is(const Share &share) const
        {
            return share.memory == memory.get() && share.access == access;
        }
    };
    std::vector<Lent> lent_;
    std::size_t chunks_known_ = 0, grants_known_ = 0;
    const Imports *imports_ = nullptr;
    SystemCalls *system_ = nullptr;
    bool touched_ = false; // called since it was started or reset
    bool stale_ = false;   // an aborted call left it as it is
};

} // namespace cell::call
