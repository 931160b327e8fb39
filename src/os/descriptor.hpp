// SPDX-License-Identifier: Apache-2.0
//
// A file descriptor that its owner closes. Made only by functions of this
// folder, which open everything close-on-exec.
#pragma once

#include <unistd.h>

#include <utility>

namespace cell::os {

class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor &&other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor &operator=(Descriptor &&other) noexcept
    {
        if (this != &other) {
            reset();
            number_ = std::exchange(other.number_, -1);
        }
        return *this;
    }
    ~Descriptor() { reset(); }

    int get() const { return number_; }
    int release() { return std::exchange(number_, -1); } // its new owner closes it
    explicit operator bool() const { return number_ >= 0; }

    void reset()
    {
        if (number_ >= 0)
            ::close(std::exchange(number_, -1));
    }

private:
    int number_ = -1;
};

} // namespace cell::os
