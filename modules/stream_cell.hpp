// SPDX-License-Identifier: Apache-2.0
//
// In the cell: the one stream that is open, and the call that works on it. Included by one
// source file of a module, which exports a function for each kind of stream it opens.
#pragma once

#include "modules/stream_types.hpp"

#include <sbm/guest/module.hpp>

#include <memory>

namespace sbm::modules {

class Coder {
public:
    Coder() = default;
    virtual ~Coder() = default;
    Coder(const Coder &) = delete;
    Coder &operator=(const Coder &) = delete;

    // As the call `step`.
    virtual int step(In<std::byte> input, bool is_last, Out<std::byte> output, Progress &progress,
                     Message &message) = 0;
};

// It lives from one call to the next, and ends with the cell's reset.
inline std::unique_ptr<Coder> current;

// Opens a stream of this kind: 0, or a refusal.
template <class Kind, class... Options> int open(Message &message, Options... options)
{
    auto coder = std::make_unique<Kind>();
    const int status = coder->start(options..., message);
    current = std::move(coder);
    return status;
}

inline int refuse(Message &message, const char *why, int status = kRefused)
{
    message.set(why);
    return status;
}

inline int step(In<std::byte> input, bool is_last, Out<std::byte> output, Out<Progress> progress,
                Out<Message> message)
{
    if (!current)
        return refuse(*message, "no stream is open");
    return current->step(input, is_last, output, *progress, *message);
}
SBM_EXPORT(step);

} // namespace sbm::modules
