// SPDX-License-Identifier: Apache-2.0
//
// A cursor over octets that cannot leave them. Reading past the end changes
// nothing and says false.
#ifndef PGP_KEYS_READER_HPP
#define PGP_KEYS_READER_HPP

#include <cstddef>
#include <cstdint>

#include "format.hpp"

namespace pgp {

// A parsing function's outcome; false in a condition means that all is well.
struct ParseError {
    ErrorCode code = ErrorCode::none;
    std::size_t offset = 0;
    explicit operator bool() const { return code != ErrorCode::none; }
};

class Reader {
public:
    // The octets [begin, end) of the stream at `stream`; positions stay those of
    // the stream. The caller guarantees that the stream has `end` octets.
    Reader(const std::uint8_t *stream, std::size_t begin, std::size_t end)
        : stream_(stream), position_(begin), end_(end)
    {
    }

    std::size_t position() const { return position_; }
    std::size_t end() const { return end_; }
    std::size_t remaining() const { return end_ - position_; }
    bool empty() const { return position_ == end_; }

    // A number of up to four octets, the most significant one first.
    template <class Number> bool read(unsigned octets, Number &value)
    {
        if (remaining() < octets)
            return false;
        std::uint32_t number = 0;
        for (unsigned i = 0; i < octets; i++)
            number = number << 8 | stream_[position_ + i];
        position_ += octets;
        value = static_cast<Number>(number);
        return true;
    }

    // The next `size` octets as a reader of their own, here skipped.
    bool split(std::size_t size, Reader &part)
    {
        if (remaining() < size)
            return false;
        part = Reader(stream_, position_, position_ + size);
        position_ += size;
        return true;
    }

    bool skip(std::size_t size)
    {
        if (remaining() < size)
            return false;
        position_ += size;
        return true;
    }

    // The octets at the cursor; `remaining()` of them may be read.
    const std::uint8_t *data() const { return stream_ + position_; }

private:
    const std::uint8_t *stream_;
    std::size_t position_;
    std::size_t end_;
};

} // namespace pgp

#endif
