// SPDX-License-Identifier: Apache-2.0
//
// PNG pictures, decoded by libpng in a cell.
//
//     auto image = sbm::png::decode(bytes);
//     if (!image) return fail(image.error().text());
//     show(image->width, image->height, image->pixels);
//
// A damaged or hostile picture is an error; it can neither crash nor take over the
// program, and nothing of it is left for the next picture. What comes back are the
// pixels that the code in the cell made of it: as many as the size says, of any colour.
#ifndef SBM_MODULES_PNG_HPP
#define SBM_MODULES_PNG_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <sbm/modules/limits.hpp>
#include <sbm/result.hpp>

namespace sbm::png {

struct Image {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::vector<std::byte> pixels; // red, green, blue, alpha; rows from the top, no padding
};

// Decodes pictures, one after the other, in one cell that is reset after each. Use from
// one thread at a time; it may move between threads.
class Decoder {
public:
    static Result<Decoder> create(const modules::Limits &limits = {}) noexcept;
    Decoder(Decoder &&) noexcept;
    Decoder &operator=(Decoder &&) noexcept;
    ~Decoder();

    // Misuse for bytes that are no PNG, with libpng's words; no_memory for a picture of more
    // pixels than the limits allow.
    Result<Image> decode(std::span<const std::byte> file) noexcept;

private:
    class State;
    explicit Decoder(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

// The same with a decoder of the calling thread's, made at the first call and kept.
Result<Image> decode(std::span<const std::byte> file) noexcept;

} // namespace sbm::png

#endif
