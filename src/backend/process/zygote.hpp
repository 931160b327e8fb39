// SPDX-License-Identifier: Apache-2.0
//
// The process that cells of the level `process` are forked from, or the runners of cells of
// the level `vm`. One serves all cells of a module, or of a sandbox; any thread may ask it.
#pragma once

#include "abi/zygote.h"
#include "image/cell_image.hpp"
#include "os/descriptor.hpp"
#include "os/memory.hpp"

#include <mutex>
#include <optional>
#include <span>
#include <sys/types.h>

namespace cell::backend::process {

// `none` is for debuggers.
enum class Walls { all, none };

class Zygote {
public:
    Zygote() = default;
    ~Zygote();
    Zygote(const Zygote &) = delete;
    Zygote &operator=(const Zygote &) = delete;

    // Starts it. The bytes are those of a program that speaks abi/zygote.h. What comes of it is
    // told by whatever is called next.
    Result<void> start(std::span<const unsigned char> program);

    // Of runners: the next one begins to make its machine of the device, which stays the
    // caller's, and each later one does so when it is forked.
    Result<void> prepare(int device);

    // Waits until it has started, and whoever is prepared is ready; for the last time after an
    // error, which all later calls repeat.
    Result<void> confirm();

    // A cell that will see `regions`, and those of `hidden` only when it is told so later. It
    // begins on the caller's processor, unless it was prepared. `left_out` is for tests, see the
    // zygote's message.
    struct Forked {
        os::Descriptor pidfd;
        pid_t pid;
    };
    Result<Forked> fork(std::span<const image::Region> regions,
                        std::span<const image::Region> hidden, Walls walls,
                        std::uint32_t left_out = 0);

    // Collects a cell that has ended or is to end: its exit status, and for a runner that a
    // signal ended its number, negative. Afterwards its process id may be another's.
    Result<int> reap(pid_t pid);

    // Lets the zygote end, and all its cells with it: for cells that nobody can end.
    void give_up() noexcept;

private:
    // One message being filled, with the files that it refers to.
    struct Sender;

    Result<sbm_zygote_reply> receive(os::Descriptor *file = nullptr);
    Result<Forked> receive_forked();
    Result<void> let_watch();
    Result<void> greet();
    Result<void> receive_greeting();
    Result<void> order_preparation();
    Result<void> await_prepared();
    Result<std::optional<Forked>> take_prepared();
    Result<void> send_orders(std::span<const image::Region> regions,
                             std::span<const image::Region> hidden, Walls walls,
                             std::uint32_t left_out);
    Result<int> reap_now(pid_t pid);
    void discard(pid_t forked) noexcept;
    void follow_caller();
    bool is_in_child() const;

    std::mutex mutex_;
    os::Descriptor socket_;
    os::Mapping birth_mark_; // a page that the kernel clears in a forked child
    pid_t pid_ = 0;          // 0: not greeted yet
    int cpu_ = -1;
    int device_ = -1; // of runners
    bool is_preparing_ = false;
    std::optional<Forked> prepared_;
    std::optional<Error> failure_; // of its start
};

} // namespace cell::backend::process
