// SPDX-License-Identifier: Apache-2.0
//
// Something that happens once, for those who wait for descriptors.
#pragma once

#include "base/result.hpp"
#include "os/descriptor.hpp"

namespace cell::os {

class Event {
public:
    static Result<Event> create() noexcept;

    // From any thread: from now on the descriptor can be read.
    void set() const noexcept;
    int descriptor() const { return descriptor_.get(); }

private:
    explicit Event(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

    Descriptor descriptor_;
};

} // namespace cell::os
