// SPDX-License-Identifier: Apache-2.0
//
// In the host: checks what the cell says, and allocates what it may fill.
#include <sbm/modules/font.hpp>

#include "modules/font/calls.hpp"
#include "modules/session.hpp"

#include <sbm_font_module.module.hpp>

#include <algorithm>

namespace sbm::font {
namespace {

using modules::Codec;
using modules::Message;
using modules::outcome;
using modules::Session;

// FreeType's own bounds: sizes and sides have 16 bits, outlines a signed 16-bit count.
constexpr std::uint32_t kLargestSize = 65535;
constexpr std::uint32_t kLargestSide = 65535;
constexpr std::uint32_t kMostPoints = 32767;
// Far beyond what FreeType places, and small enough to be added to a side.
constexpr std::int32_t kFarthest = 1 << 20;

struct Functions {
    Function<calls::OpenFont> open_font;
    Function<calls::FindGlyph> find_glyph;
    Function<calls::LoadBitmap> load_bitmap;
    Function<calls::TakeBitmap> take_bitmap;
    Function<calls::LoadOutline> load_outline;
    Function<calls::TakeOutline> take_outline;
};

Result<Functions> find_functions(const Module &module)
{
    auto open_font = module.function<calls::OpenFont>("open_font");
    auto find_glyph = module.function<calls::FindGlyph>("find_glyph");
    auto load_bitmap = module.function<calls::LoadBitmap>("load_bitmap");
    auto take_bitmap = module.function<calls::TakeBitmap>("take_bitmap");
    auto load_outline = module.function<calls::LoadOutline>("load_outline");
    auto take_outline = module.function<calls::TakeOutline>("take_outline");
    // They come from the file that this program carries: all are there, or none fits.
    if (!open_font || !find_glyph || !load_bitmap || !take_bitmap || !load_outline || !take_outline)
        return Error(Errc::misuse,
                     "the font module is not the one that this program was built with");
    return Functions{*open_font,   *find_glyph,   *load_bitmap,
                     *take_bitmap, *load_outline, *take_outline};
}

bool is_near(std::int32_t place)
{
    return place >= -kFarthest && place <= kFarthest;
}

Error impossible(const char *what)
{
    return {Errc::fault, std::string("the cell tells an impossible ") + what};
}

std::string text_of(const char (&name)[calls::kNameBytes])
{
    return {name, std::find(name, name + sizeof name, '\0')};
}

Description describe(const Untrusted<calls::Description> &untrusted)
{
    const auto &told = untrusted.trusted_because("numbers and names of a font may be any");
    return {text_of(told.family), text_of(told.style), told.faces, told.glyphs, told.units_per_em};
}

} // namespace

class Face::State {
public:
    State(Codec codec, const Functions &functions, const modules::Limits &limits)
        : session_(std::move(codec)), functions_(functions), limits_(limits)
    {
    }

    const Description &description() const { return description_; }

    Result<void> open(std::span<const std::byte> font, std::uint32_t index)
    {
        description_ = {};
        return session_.open([&](Sandbox &sandbox) -> Result<void> {
            Untrusted<Message> message;
            Untrusted<calls::Description> description;
            auto opened = sandbox.call(functions_.open_font, font, index, description, message);
            if (auto good = outcome(opened, message); !good)
                return good;
            description_ = describe(description);
            return {};
        });
    }

    Result<Glyph> find(char32_t character)
    {
        return session_.use([&](Sandbox &sandbox) -> Result<Glyph> {
            auto found = sandbox.call(functions_.find_glyph, std::uint32_t{character});
            if (!found)
                return found.error();
            return Glyph{found->trusted_because("a glyph that is not there is refused when drawn")};
        });
    }

    Result<Bitmap> bitmap(Glyph glyph, std::uint32_t pixels)
    {
        if (pixels == 0)
            return Error(Errc::misuse, "a bitmap has a size of at least one pixel");
        return load<Bitmap>(pixels, [&](Sandbox &sandbox) -> Result<Bitmap> {
            Untrusted<Message> message;
            Untrusted<calls::BitmapSize> size;
            auto loaded = sandbox.call(functions_.load_bitmap, glyph.index, pixels, size, message);
            if (auto good = outcome(loaded, message); !good)
                return good.error();
            auto result = allocate(size);
            return result ? fill(sandbox, std::move(*result)) : result;
        });
    }

    Result<Outline> outline(Glyph glyph, std::uint32_t pixels)
    {
        return load<Outline>(pixels, [&](Sandbox &sandbox) -> Result<Outline> {
            Untrusted<Message> message;
            Untrusted<calls::OutlineSize> size;
            auto loaded = sandbox.call(functions_.load_outline, glyph.index, pixels, size, message);
            if (auto good = outcome(loaded, message); !good)
                return good.error();
            return take_outline(sandbox, size);
        });
    }

private:
    template <class T, class Work> Result<T> load(std::uint32_t pixels, Work &&work)
    {
        if (pixels > kLargestSize)
            return Error(Errc::misuse, "a glyph has a size of at most 65535 pixels");
        return session_.use(std::forward<Work>(work));
    }

    Result<Bitmap> allocate(const Untrusted<calls::BitmapSize> &untrusted) const
    {
        const auto size = untrusted.verify([](const calls::BitmapSize &s) {
            return s.width <= kLargestSide && s.height <= kLargestSide && is_near(s.left) &&
                   is_near(s.top);
        });
        if (!size)
            return impossible("size of a glyph");
        const std::uint64_t pixels = std::uint64_t{size->width} * size->height;
        if (pixels > limits_.pixels || pixels > limits_.output_bytes)
            return Error(Errc::no_memory, "the glyph has more pixels than the limits allow");
        return Bitmap{size->width, size->height,  size->left,
                      size->top,   size->advance, std::vector<std::byte>(pixels)};
    }

    Result<Bitmap> fill(Sandbox &sandbox, Bitmap bitmap) const
    {
        if (bitmap.coverage.empty())
            return bitmap;
        Untrusted<Message> message;
        Untrusted<std::vector<std::byte>> coverage(std::move(bitmap.coverage));
        auto taken = sandbox.call(functions_.take_bitmap, coverage, message);
        if (auto good = outcome(taken, message); !good)
            return good.error();
        bitmap.coverage = std::move(coverage).trusted_because("any bytes are a picture");
        return bitmap;
    }

    Result<Outline> take_outline(Sandbox &sandbox, const Untrusted<calls::OutlineSize> &untrusted)
    {
        const auto size = untrusted.verify([](const calls::OutlineSize &s) {
            return s.points <= kMostPoints && s.contours <= kMostPoints;
        });
        if (!size)
            return impossible("size of an outline");
        if (size->points * (sizeof(Point) + 1) + size->contours * sizeof(std::uint16_t) >
            limits_.output_bytes)
            return Error(Errc::no_memory, "the outline has more points than the limits allow");
        Untrusted<Message> message;
        Untrusted<std::vector<calls::Point>> points{std::vector<calls::Point>(size->points)};
        Untrusted<std::vector<std::uint8_t>> tags{std::vector<std::uint8_t>(size->points)};
        Untrusted<std::vector<std::uint16_t>> ends{std::vector<std::uint16_t>(size->contours)};
        auto taken = sandbox.call(functions_.take_outline, points, tags, ends, message);
        if (auto good = outcome(taken, message); !good)
            return good.error();
        return assemble(points, std::move(tags), ends);
    }

    static Result<Outline> assemble(const Untrusted<std::vector<calls::Point>> &points,
                                    Untrusted<std::vector<std::uint8_t>> tags,
                                    const Untrusted<std::vector<std::uint16_t>> &untrusted_ends)
    {
        Outline outline;
        for (const auto &[x, y] : points.trusted_because("a point may be anywhere"))
            outline.points.push_back({x, y});
        outline.tags = std::move(tags).trusted_because("bits, any of which may be set");
        auto ends = untrusted_ends.verify([&](const std::vector<std::uint16_t> &e) {
            return std::is_sorted(e.begin(), e.end()) &&
                   (e.empty() || e.back() < outline.points.size());
        });
        if (!ends)
            return impossible("contour");
        outline.ends = std::move(*ends);
        return outline;
    }

    Session session_;
    Functions functions_;
    modules::Limits limits_;
    Description description_;
};

Face::Face(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Face::Face(Face &&) noexcept = default;
Face &Face::operator=(Face &&) noexcept = default;
Face::~Face() = default;

Result<Face> Face::open(std::span<const std::byte> font, const modules::Limits &limits,
                        std::uint32_t index) noexcept
{
    return modules::without_throwing([&]() -> Result<Face> {
        auto codec = Codec::create(sbm_font_module_module(), limits);
        if (!codec)
            return codec.error();
        auto functions = find_functions(codec->module());
        if (!functions)
            return functions.error();
        Face face(std::make_unique<State>(std::move(*codec), *functions, limits));
        if (auto opened = face.state_->open(font, index); !opened)
            return opened.error();
        return face;
    });
}

Result<void> Face::open_another(std::span<const std::byte> font, std::uint32_t index) noexcept
{
    return modules::without_throwing([&] { return state_->open(font, index); });
}

const Description &Face::description() const noexcept
{
    return state_->description();
}

Result<Glyph> Face::find(char32_t character) noexcept
{
    return modules::without_throwing([&] { return state_->find(character); });
}

Result<Bitmap> Face::bitmap(Glyph glyph, std::uint32_t pixels) noexcept
{
    return modules::without_throwing([&] { return state_->bitmap(glyph, pixels); });
}

Result<Bitmap> Face::bitmap(char32_t character, std::uint32_t pixels) noexcept
{
    auto glyph = find(character);
    return glyph ? bitmap(*glyph, pixels) : glyph.error();
}

Result<Outline> Face::outline(Glyph glyph, std::uint32_t pixels) noexcept
{
    return modules::without_throwing([&] { return state_->outline(glyph, pixels); });
}

Result<Outline> Face::outline(char32_t character, std::uint32_t pixels) noexcept
{
    auto glyph = find(character);
    return glyph ? outline(*glyph, pixels) : glyph.error();
}

} // namespace sbm::font
