// SPDX-License-Identifier: Apache-2.0
//
// For modules whose data stay open in the cell from call to call: a font, an archive.
// All of it is one piece of untrusted data, so nothing is reset between these calls.
#pragma once

#include "modules/codec.hpp"

#include <utility>

namespace sbm::modules {

class Session {
public:
    explicit Session(Codec codec) : codec_(std::move(codec)) {}

    const Module &module() const { return codec_.module(); }

    // Runs `work`, which brings data into the cell, where nothing of other data is left.
    // They are open afterwards if it succeeds.
    template <class Work> auto open(Work &&work) -> decltype(work(std::declval<Sandbox &>()))
    {
        is_open_ = false;
        if (is_used_)
            if (auto reset = codec_.sandbox().reset(); !reset)
                return reset.error();
        is_used_ = true;
        auto result = work(codec_.sandbox());
        is_open_ = static_cast<bool>(result);
        return result;
    }

    // Runs `work`, which makes calls about the data that are open. After a call that was
    // aborted nothing is open: the cell's memory is in no known state.
    template <class Work> auto use(Work &&work) -> decltype(work(std::declval<Sandbox &>()))
    {
        if (!is_open_)
            return Error(Errc::misuse, "nothing is open: it was refused, or a call was aborted");
        auto result = work(codec_.sandbox());
        if (codec_.sandbox().fault())
            is_open_ = false;
        return result;
    }

private:
    Codec codec_;
    bool is_used_ = false;
    bool is_open_ = false;
};

// The error of a call that failed, or that returned what modules::refusal takes as one.
inline Result<void> outcome(const Result<Untrusted<int>> &call, const Untrusted<Message> &message)
{
    if (!call)
        return call.error();
    if (auto refused = refusal(*call, message))
        return *refused;
    return {};
}

} // namespace sbm::modules
