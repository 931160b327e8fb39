// SPDX-License-Identifier: Apache-2.0
#include "image/template_file.hpp"

#include "abi/module.h"
#include "base/checked.hpp"
#include "base/checksum.hpp"

#include <algorithm>
#include <array>
#include <cpuid.h>
#include <cstring>
#include <optional>
#include <span>
#include <sys/mman.h>

namespace cell::image {
namespace {

constexpr std::uint64_t kFileMax = std::uint64_t{4} << 30;
constexpr char kMagic[8] = {'s', 'b', 'm', 't', 'm', 'p', 'l', '\n'};
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kFeatureWords = 16;

using Features = std::array<std::uint32_t, kFeatureWords>;

// The file begins with this; module, constants and pieces follow.
struct Header {
    char magic[8];
    std::uint32_t format;
    std::uint32_t abi;
    char version[32]; // of the library
    Features features;
    std::uint64_t checksum; // of all that follows this field
    std::uint64_t module_size;
    std::uint64_t stack_size, heap_size;
    std::uint64_t cell_base;
    std::uint64_t thread_pointer;
    std::uint64_t rate;
    std::uint64_t constants_size;
    std::uint64_t piece_count; // each a page, with its offset before it
};
constexpr std::size_t kSummedFrom = offsetof(Header, checksum) + sizeof(std::uint64_t);

// What the C library looks at when it chooses functions.
Features features()
{
    Features words{};
    std::size_t count = 0;
    unsigned a, b, c, d;
    for (const auto &[leaf, sub] : {std::pair{0U, 0U}, {1U, 0U}, {7U, 0U}, {0x80000001U, 0U}})
        if (__get_cpuid_count(leaf, sub, &a, &b, &c, &d)) {
            // Of leaf 1, EBX says on which processor this ran.
            for (const unsigned word : {leaf == 1 ? a : 0U, leaf == 1 ? 0U : b, c, d})
                words[count++] = word;
        } else {
            count += 4;
        }
    return words;
}

void fill_version(char (&target)[32])
{
    std::memset(target, 0, sizeof target);
    std::memcpy(target, SBM_VERSION, std::min(sizeof target - 1, sizeof SBM_VERSION - 1));
}

Error damaged(const char *what)
{
    return error(Errc::misuse, "this is no template: %s", what);
}

// Reads from a file's bytes, never beyond.
class Reader {
public:
    explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    std::optional<std::span<const std::byte>> bytes(std::uint64_t size)
    {
        if (size > bytes_.size() - at_)
            return std::nullopt;
        const auto part = bytes_.subspan(at_, size);
        at_ += size;
        return part;
    }
    template <class T> bool read(T &target)
    {
        const auto part = bytes(sizeof target);
        if (part)
            std::memcpy(&target, part->data(), sizeof target);
        return part.has_value();
    }
    bool is_at_end() const { return at_ == bytes_.size(); }

private:
    std::span<const std::byte> bytes_;
    std::uint64_t at_ = 0;
};

Result<void> check_header(const Header &header, std::span<const std::byte> bytes)
{
    if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0)
        return damaged("it does not begin like one");
    char version[32];
    fill_version(version);
    if (header.format != kFormat || header.abi != SBM_MODULE_ABI ||
        std::memcmp(header.version, version, sizeof version) != 0)
        return error(Errc::misuse,
                     "the template was made by version %.31s of the library, and this is %s: make "
                     "it again",
                     std::string(header.version, ::strnlen(header.version, sizeof version)).c_str(),
                     version);
    if (header.features != features())
        return error(Errc::misuse, "the template was made on a processor with other features: "
                                   "make it again here");
    Checksum sum;
    sum.add(bytes.data() + kSummedFrom, bytes.size() - kSummedFrom);
    if (sum.value() != header.checksum)
        return damaged("its checksum is wrong");
    return {};
}

// The window's parts that a template may fill: no helper, no mailbox, no stack.
bool may_have_piece(const ModuleLayout &layout, std::uint64_t offset)
{
    return offset % kPage == 0 && offset >= layout.block &&
           contains(layout.block, layout.window_size - layout.block, offset, kPage);
}

Result<void> read_pieces(Reader &reader, std::uint64_t count, ModuleTemplate &result)
{
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < count; i++) {
        std::uint64_t offset = 0;
        if (!reader.read(offset))
            return damaged("it ends too early");
        const auto bytes = reader.bytes(kPage);
        if (!bytes)
            return damaged("it ends too early");
        if (!may_have_piece(result.layout, offset) || offset < next)
            return damaged("a page at an impossible place");
        next = offset + kPage;
        result.pieces.push_back({offset, {bytes->begin(), bytes->end()}});
    }
    return reader.is_at_end() ? Result<void>() : damaged("something follows its end");
}

} // namespace

Result<std::vector<std::byte>> template_bytes(const ModuleTemplate &source)
{
    Header header{};
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    header.format = kFormat;
    header.abi = SBM_MODULE_ABI;
    fill_version(header.version);
    header.features = features();
    header.module_size = source.file->content().size();
    header.stack_size = source.layout.stack_size;
    header.heap_size = source.layout.heap_size;
    header.cell_base = source.layout.cell_base;
    header.thread_pointer = source.thread_pointer;
    header.rate = source.rate.multiplier;
    header.constants_size = source.constants ? source.file->constant_size() : 0;
    header.piece_count = source.pieces.size();
    os::Mapping constants;
    if (header.constants_size) {
        CELL_TRY(constants, os::map_file(source.constants.get(), 0, header.constants_size,
                                         PROT_READ, MAP_PRIVATE));
    }
    std::vector<std::byte> bytes(sizeof header);
    const auto append = [&](const void *data, std::size_t size) {
        const auto *start = static_cast<const std::byte *>(data);
        bytes.insert(bytes.end(), start, start + size);
    };
    append(source.file->content().data(), header.module_size);
    append(constants.data(), header.constants_size);
    for (const ModuleTemplate::Piece &piece : source.pieces) {
        append(&piece.offset, sizeof piece.offset);
        append(piece.bytes.data(), kPage);
    }
    std::memcpy(bytes.data(), &header, sizeof header);
    Checksum sum;
    sum.add(bytes.data() + kSummedFrom, bytes.size() - kSummedFrom);
    header.checksum = sum.value();
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes;
}

Result<void> save_template(const ModuleTemplate &source, const std::string &path)
{
    CELL_TRY(const std::vector<std::byte> bytes, template_bytes(source));
    return os::write_file(path, bytes);
}

Result<std::shared_ptr<const ModuleTemplate>> load_template(const std::string &path)
{
    CELL_TRY(const os::Descriptor file, os::open_for_reading(path));
    CELL_TRY(const std::vector<std::byte> bytes, os::read_all(file.get(), kFileMax));
    return parse_template(bytes);
}

Result<std::shared_ptr<const ModuleTemplate>> parse_template(std::span<const std::byte> bytes)
{
    Reader reader(bytes);
    Header header;
    if (!reader.read(header))
        return damaged("it is too short");
    CELL_CHECK(check_header(header, bytes));
    const auto module = reader.bytes(header.module_size);
    if (!module)
        return damaged("it ends too early");
    auto result = std::make_shared<ModuleTemplate>();
    CELL_TRY(result->file, ModuleFile::parse(*module));
    if (!is_module_base(header.cell_base))
        return damaged("an impossible address");
    CELL_TRY(result->layout,
             ModuleLayout::choose(*result->file, {header.heap_size, header.stack_size},
                                  header.cell_base));
    result->thread_pointer = header.thread_pointer;
    result->rate.multiplier = header.rate;
    if (!contains(header.cell_base + result->layout.heap, result->layout.heap_size,
                  header.thread_pointer, kPage))
        return damaged("an impossible thread pointer");
    if (header.constants_size != result->file->constant_size())
        return damaged("the wrong number of constants");
    const auto constants = reader.bytes(header.constants_size);
    if (!constants)
        return damaged("it ends too early");
    if (!constants->empty()) {
        CELL_TRY(result->constants, os::program_file("sbm-constants", *constants));
    }
    CELL_CHECK(read_pieces(reader, header.piece_count, *result));
    return std::shared_ptr<const ModuleTemplate>(std::move(result));
}

} // namespace cell::image
