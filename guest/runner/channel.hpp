// SPDX-License-Identifier: Apache-2.0
//
// The socket to the host, which a zygote and its runners share: only one of them reads at a
// time.
#pragma once

#include "abi/zygote.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cell::runner {

[[noreturn]] void end();

class Channel {
public:
    // The next message and the files that came with it, which are the caller's; ends the
    // process if the host is gone.
    void receive();
    const sbm_zygote_message &message() const { return message_; }
    std::span<const int> files() const { return {files_.data(), file_count_}; }
    void drop_files();

    // With a file, if its number is not negative.
    void reply(const sbm_zygote_reply &answer, int file = -1);

    // The one file of the last message is the host's process: its end is that of this one.
    void watch();

    // Until that file can be read, or nobody is left who could write there; ends the process if
    // the host is gone.
    void await(int file) const;

private:
    sbm_zygote_message message_{};
    std::array<int, SBM_ZYGOTE_FILES> files_{};
    std::size_t file_count_ = 0;
    int host_ = -1; // its pidfd
};

// What a runner is told of its memory.
class Orders {
public:
    // All messages up to the last one.
    void take(Channel &channel);
    std::span<const sbm_zygote_segment> segments() const
    {
        return {segments_.data(), segment_count_};
    }
    std::span<const int> files() const { return {files_.data(), file_count_}; }

private:
    void add(Channel &channel);

    std::array<sbm_zygote_segment, SBM_ZYGOTE_ALL_SEGMENTS> segments_{};
    std::array<int, SBM_ZYGOTE_ALL_FILES> files_{};
    std::size_t segment_count_ = 0, file_count_ = 0;
};

} // namespace cell::runner
