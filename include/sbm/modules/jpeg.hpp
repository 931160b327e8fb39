// SPDX-License-Identifier: Apache-2.0
//
// JPEG pictures, decoded by libjpeg-turbo in a cell.
//
//     auto image = sbm::jpeg::decode(bytes);
//     if (!image) return fail(image.error().text());
//     show(image->width, image->height, image->pixels);
//
// A hostile picture can neither crash nor take over the program, and nothing of it is left
// for the next picture. What comes back are the pixels that the code in the cell made of
// it: as many as the size says, of any colour.
//
// Grey pictures come as red, green and blue as well. Pictures in CMYK are refused. The
// orientation that a camera wrote down is not applied.
#ifndef SBM_MODULES_JPEG_HPP
#define SBM_MODULES_JPEG_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <sbm/modules/limits.hpp>
#include <sbm/result.hpp>

namespace sbm::jpeg {

struct Image {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::vector<std::byte> pixels; // red, green, blue; rows from the top, no padding
    bool is_damaged = false;       // libjpeg says that it found damage, and painted over it in grey
};

// Decodes pictures, one after the other, in one cell that is reset after each. Use from
// one thread at a time; it may move between threads.
class Decoder {
public:
    static Result<Decoder> create(const modules::Limits &limits = {}) noexcept;
    Decoder(Decoder &&) noexcept;
    Decoder &operator=(Decoder &&) noexcept;
    ~Decoder();

    // Misuse for bytes that are no JPEG, with libjpeg's words. A file that is cut off or
    // damaged behind its header is a picture all the same, as in every viewer: is_damaged.
    // No_memory for a picture of more pixels than the limits allow, or that takes more
    // memory than the cell has: up to six bytes a pixel if it is progressive.
    Result<Image> decode(std::span<const std::byte> file) noexcept;

private:
    class State;
    explicit Decoder(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

// The same with a decoder of the calling thread's, made at the first call and kept.
Result<Image> decode(std::span<const std::byte> file) noexcept;

} // namespace sbm::jpeg

#endif
