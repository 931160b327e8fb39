// SPDX-License-Identifier: Apache-2.0
//
// What enforces a cell. A backend makes an address space from an image, runs it
// until the next exit, and knows nothing of buffers, policies or reports. The
// cell's writable memory belongs to the image and stays when a backend replaces
// its process or virtual machine.
//
// A backend serves one thread at a time. Registers, ioctls and signal frames
// stay inside; what comes out is an Exit.
#pragma once

#include "base/result.hpp"
#include "image/cell_image.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <variant>

namespace cell::backend {

// The general registers at a fault, in the order of struct sbm_signal_frame.
struct Registers {
    static constexpr std::size_t kAccumulator = 13, kStack = 15, kInstruction = 16, kCount = 17;
    std::array<std::uint64_t, kCount> values{};
    std::uint64_t instruction() const { return values[kInstruction]; }
    std::uint64_t stack() const { return values[kStack]; }
    std::uint64_t accumulator() const { return values[kAccumulator]; }
};

// The function returned.
struct Returned {
    std::int64_t value;
};

// The runtime asks for a proxy, at an address of the image that is not yet checked.
struct HostCall {
    std::uint64_t proxy;
    std::uint64_t arguments;
};

// The runtime gave up; its words are in the mailbox.
struct Aborted {
    Registers registers;
};

// The processor stopped the code. `vector` and `code` are those of the x86
// exception, `address` is CR2 for a page fault.
struct Faulted {
    std::uint32_t vector;
    std::uint64_t code;
    std::uint64_t address;
    Registers registers;
};

// The code made a system call, or tried to.
struct SystemCall {
    std::uint64_t number;
    Registers registers;
};

enum class Limit { none, cpu_time, wall_time, cancelled };
struct TimedOut {
    Limit limit;
    Registers registers;
};

// The cell ended in a way that says nothing about its code.
struct Killed {
    Error reason;
};

using Exit = std::variant<Returned, HostCall, Aborted, Faulted, SystemCall, TimedOut, Killed>;

// Processor time that others use for a call: they are asked by the thread that makes it.
class OtherTime {
public:
    virtual std::uint64_t used_ns() const = 0; // so far

protected:
    ~OtherTime() = default;
};

// Nanoseconds; UINT64_MAX for none.
struct Limits {
    std::uint64_t cpu_time;
    std::uint64_t wall_time;
    const OtherTime *others = nullptr; // whose time counts too; outlive the call
};

class Backend {
public:
    virtual ~Backend() = default;

    // Builds the address space. `image` outlives the backend.
    virtual Result<void> start(const image::CellImage &image) = 0;

    // Makes a piece of memory known. Nothing in it exists for the cell until
    // `protect` says so. May come before or after `start`. `memory` is copied; what
    // it points at outlives the backend.
    virtual Result<void> add_memory(const image::Region &memory) = 0;

    // Lets the cell see [address, address + size) from its next call on. A range
    // that it can see already keeps its rights for the life of the backend, but for a region
    // of the image that may change, whose rights these are.
    virtual Result<void> protect(std::uint64_t address, std::uint64_t size, int protection) = 0;

    // Shows memory to the cell from its next call on, with the region's rights; takes it
    // away again, so that no later call sees it. Both between calls, and both can cost more
    // than many calls. What is shown outlives that.
    virtual Result<void> lend(const image::Region &memory) = 0;
    virtual Result<void> take_back(std::uint64_t address) = 0;

    // After a call that returned: nothing runs in the cell any more until the next one.
    virtual Result<void> settle() = 0;

    // Runs function(data) to the next exit.
    virtual Exit call(std::uint64_t function, std::uint64_t data, const Limits &limits) = 0;

    // Goes on after a HostCall, with what the proxy returned. The limits of the
    // call go on too.
    virtual Exit resume(std::int64_t result) = 0;

    // How long, in nanoseconds, each side of a call may look for the other one's answer
    // before it sleeps; 0, as at the start, is not at all. Between calls, the next one
    // begins with it.
    virtual Result<void> set_spin(std::uint64_t bound) = 0;

    // From any thread: ends the call that is on, or the next one if there is none, with
    // Limit::cancelled. A call that ends by itself meanwhile is not undone.
    virtual void cancel() noexcept = 0;

    // Of the process that the cell is, or that runs it; 0 if it has none of its own.
    virtual int process_id() const { return 0; }

    // In a forked child, before destruction: what runs is the parent's, and goes on.
    virtual void abandon() = 0;

    // Takes the cell out of whatever it does, also if it only pretends to wait. Its
    // memory does not change any more until `restart`. Only after a call.
    virtual void halt() = 0;

    // After `halt`, and with the memory restored: a processor as after start.
    virtual Result<void> restart() = 0;
};

// What is found out once about a level on this machine, and serves any number of cells.
class Host {
public:
    virtual ~Host() = default;

    // A backend that can start here and now.
    virtual Result<std::unique_ptr<Backend>> open() = 0;

    // What a host is found with may still be starting: waits for that. Who does not call this
    // is told by the first backend that starts.
    virtual Result<void> confirm() { return {}; }
};

// The level here, or what is missing. `left_out` is for tests: a rule that filters are
// without, see abi/zygote.h.
Result<std::shared_ptr<Host>> find_process(std::uint32_t left_out = 0);
Result<std::shared_ptr<Host>> find_vm();
// The level `vm` with a second wall: the processor of each cell is run by a process of its
// own, which holds nothing else and is behind a system-call filter.
Result<std::shared_ptr<Host>> find_vm_process(std::uint32_t left_out = 0);

// Cells as at the level `process`, but without its walls: a debugger can attach to them, and
// nothing stands between their code and the kernel if it wants to reach it. No sandbox.
Result<std::shared_ptr<Host>> find_open_process();

} // namespace cell::backend
