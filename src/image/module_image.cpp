// SPDX-License-Identifier: Apache-2.0
#include "image/module_image.hpp"

#include "base/checked.hpp"
#include "os/random.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace cell::image {
namespace {

// No program, library or stack of Linux on x86-64 lies here, nor does the zygote.
constexpr std::uint64_t kBaseStart = std::uint64_t{0x1000} << 32;
constexpr std::uint64_t kBaseRange = std::uint64_t{0x0800} << 32;
constexpr std::uint64_t kTooLarge = std::uint64_t{1} << 40;
constexpr std::uint64_t kBlockSize = kPage;

// Where glibc and gcc's code have the stack protector's value, from the thread pointer.
constexpr std::uint64_t kStackGuardValue = 0x28;

// Clocks are looked at again after so long; in between, ticks are counted.
constexpr std::uint64_t kClockInterval = 10'000'000;

bool is_zero(const std::byte *page)
{
    static constexpr std::byte zeros[kPage] = {};
    return std::memcmp(page, zeros, kPage) == 0;
}

// What the kernel puts on a new program's stack (psABI, "Process initialization"), by
// way of which the C library learns about the program.
class InitialStack {
public:
    InitialStack(std::byte *block, std::uint64_t address) : block_(block), address_(address) {}

    Result<void> write(const ModuleFile &file, std::uint64_t bias)
    {
        // malloc keeps what it has been given: each call to get or give memory back costs
        // a trap, and the whole heap goes with the next reset anyway.
        const std::uint64_t tunables =
            text("GLIBC_TUNABLES=glibc.malloc.mmap_threshold=33554432:"
                 "glibc.malloc.trim_threshold=1073741824:glibc.malloc.top_pad=262144");
        const std::uint64_t name = text("module");
        std::uint64_t random[2];
        CELL_CHECK(os::fill_random(std::as_writable_bytes(std::span(random))));
        const std::uint64_t random_at = bytes(random, sizeof random);
        const std::uint64_t words[] = {1,
                                       name,
                                       0,
                                       tunables,
                                       0,
                                       AT_PHDR,
                                       file.headers_address() + bias,
                                       AT_PHENT,
                                       sizeof(Elf64_Phdr),
                                       AT_PHNUM,
                                       file.headers_count(),
                                       AT_PAGESZ,
                                       kPage,
                                       AT_ENTRY,
                                       file.elf_entry() + bias,
                                       AT_RANDOM,
                                       random_at,
                                       AT_EXECFN,
                                       name,
                                       AT_UID,
                                       65534,
                                       AT_EUID,
                                       65534,
                                       AT_GID,
                                       65534,
                                       AT_EGID,
                                       65534,
                                       AT_SECURE,
                                       0,
                                       AT_HWCAP2,
                                       2, // FSGSBASE instructions
                                       AT_NULL,
                                       0};
        static_assert(sizeof words + 512 < kBlockSize);
        std::memcpy(block_, words, sizeof words);
        return {};
    }

private:
    // Content goes to the end of the block, words to its start.
    std::uint64_t bytes(const void *content, std::size_t size)
    {
        end_ = round_down(end_ - size, 16);
        std::memcpy(block_ + end_, content, size);
        return address_ + end_;
    }
    std::uint64_t text(const char *content) { return bytes(content, std::strlen(content) + 1); }

    std::byte *block_;
    std::uint64_t address_;
    std::uint64_t end_ = kBlockSize;
};

} // namespace

Result<std::uint64_t> choose_module_base()
{
    std::uint64_t random = 0;
    CELL_CHECK(os::fill_random(std::as_writable_bytes(std::span(&random, 1))));
    return kBaseStart + round_down(random % kBaseRange, kLargePage);
}

bool is_module_base(std::uint64_t address)
{
    return address % kLargePage == 0 && contains(kBaseStart, kBaseRange, address, kPage);
}

Result<ModuleLayout> ModuleLayout::choose(const ModuleFile &file, const ImageOptions &options,
                                          std::uint64_t cell_base)
{
    const auto stack_size = checked_round_up(options.stack, kPage);
    const auto heap_size = checked_round_up(options.memory, kLargePage);
    if (!stack_size || !heap_size || *stack_size > kTooLarge || *heap_size > kTooLarge)
        return error(Errc::no_memory, "memory or stack of the cell is too large");
    if (file.writable_size() > *heap_size)
        return error(Errc::no_memory,
                     "the module has %llu bytes of variables, and is allowed %llu of memory",
                     static_cast<unsigned long long>(file.writable_size()),
                     static_cast<unsigned long long>(*heap_size));
    ModuleLayout layout;
    std::uint64_t cursor = kPage; // the first page stays empty: a guard
    const auto take = [&](std::uint64_t size) {
        const std::uint64_t start = cursor;
        cursor += round_up(size, kPage) + kPage;
        return start;
    };
    layout.cell_base = cell_base;
    layout.cell_constants = take(kPage);
    layout.mailbox = take(sizeof(sbm_mailbox));
    layout.arguments = take(kPage);
    layout.system = take(CellImage::kSystemPages * kPage);
    cursor += kStackGuard;
    layout.stack = cursor;
    layout.stack_size = *stack_size;
    cursor += *stack_size + kStackGuard;
    layout.start_stack = cursor;
    layout.block = layout.start_stack + *stack_size;
    cursor = layout.block + kBlockSize + kPage;
    for (const ModuleSegment &segment : file.segments())
        if (segment.protection & PROT_WRITE)
            layout.data.push_back(take(segment.size));
    cursor = round_up(cursor, kLargePage);
    layout.heap = take(*heap_size);
    layout.heap_size = *heap_size;
    layout.window_size = cursor;
    // The module's own addresses follow the window.
    if (file.is_movable())
        layout.bias = cell_base + round_up(cursor, kLargePage);
    return layout;
}

class ModuleImageBuilder {
public:
    ModuleImageBuilder(CellImage &image, std::shared_ptr<const ModuleFile> file,
                       std::shared_ptr<const ModuleLayout> layout)
        : image_(image), file_(*file), layout_(*layout)
    {
        image_.module_ = std::move(file);
        image_.layout_ = std::move(layout);
    }

    // Of the first cell, with `source` empty, or of another.
    Result<void> run(std::shared_ptr<const ModuleTemplate> source, HostView view)
    {
        image_.template_ = std::move(source);
        view_ = view;
        CELL_CHECK(make_window());
        name_object();
        CELL_CHECK(add_segments());
        if (image_.template_)
            CELL_CHECK(fill_from_template());
        else
            CELL_CHECK(fill_from_file());
        return set_mailbox();
    }

private:
    Result<void> make_window()
    {
        CELL_TRY(image_.window_, os::reserve(layout_.window_size, kLargePage));
        CELL_TRY(image_.window_file_, os::memory_file("sbm-cell", layout_.window_size));
        CELL_CHECK(os::map_over(image_.window_.data(), layout_.window_size, PROT_READ | PROT_WRITE,
                                image_.window_file_.get(), 0, MAP_SHARED | MAP_NORESERVE));
        const std::uint64_t base = image_.cell_base_ = layout_.cell_base;
        image_.window_bytes_ = layout_.window_size;
        image_.cell_constants_ = layout_.cell_constants;
        image_.mailbox_ = base + layout_.mailbox;
        image_.arguments_ = base + layout_.arguments;
        image_.system_window_ = base + layout_.system;
        image_.stack_ = base + layout_.stack;
        image_.stack_size_ = layout_.stack_size;
        image_.entry_ = file_.call() + layout_.bias;
        image_.serve_ = file_.serve() + layout_.bias;
        image_.system_call_entry_ = file_.system_call() + layout_.bias;
        image_.start_function_ = file_.start() + layout_.bias;
        image_.start_data_ = base + layout_.block;
        if (image_.template_) {
            image_.thread_pointer_ = image_.template_->thread_pointer;
            image_.rate_ = image_.template_->rate;
        }
        const int both = PROT_READ | PROT_WRITE;
        add_region(SBM_CELL_CONSTANTS, layout_.cell_constants, kPage, PROT_READ);
        add_region(base + layout_.mailbox, layout_.mailbox, sizeof(sbm_mailbox), both);
        add_region(base + layout_.arguments, layout_.arguments, kPage, PROT_READ);
        add_region(base + layout_.stack, layout_.stack, layout_.stack_size, both);
        add_region(base + layout_.block, layout_.block, kBlockSize, both);
        if (!image_.template_) {
            image_.start_stack_ = base + layout_.start_stack;
            add_region(image_.start_stack_, layout_.start_stack, layout_.stack_size, both);
        }
        add_region(base + layout_.heap, layout_.heap, layout_.heap_size, both);
        return {};
    }

    void add_region(std::uint64_t address, std::uint64_t offset, std::uint64_t size, int protection)
    {
        image_.regions_.push_back({address, round_up(size, kPage), protection,
                                   image_.window_file_.get(), offset, true,
                                   image_.window_.data() + offset});
    }

    // For reports: what libdwfl opens.
    void name_object()
    {
        image_.object_.path = "/proc/self/fd/" + std::to_string(file_.file());
        image_.object_.base = layout_.bias;
    }

    Result<void> add_segments()
    {
        std::size_t writable = 0;
        for (const ModuleSegment &segment : file_.segments()) {
            const std::uint64_t address = segment.address + layout_.bias;
            if (!(segment.protection & PROT_WRITE)) {
                add_constant(address, segment.size, segment.protection, file_.file(),
                             segment.offset);
                continue;
            }
            const std::uint64_t offset = layout_.data[writable++];
            const std::uint64_t constant =
                file_.constant_start() == segment.address ? file_.constant_size() : 0;
            if (constant != 0 && image_.template_)
                add_constant(address, constant, PROT_READ, image_.template_->constants.get(), 0);
            if (constant != 0 && !image_.template_) {
                add_region(address, offset, constant, segment.protection);
                image_.regions_.back().may_change = true; // once they have been relocated
            }
            if (constant < segment.size)
                add_region(address + constant, offset + constant, segment.size - constant,
                           segment.protection);
        }
        return map_constants();
    }

    void add_constant(std::uint64_t address, std::uint64_t size, int protection, int file,
                      std::uint64_t offset)
    {
        image_.regions_.push_back({address, size, protection, file, offset, false, nullptr});
    }

    Result<void> map_constants()
    {
        CELL_TRY(image_.constants_, view_ == HostView::own ? own() : shared());
        place_constants(image_.regions_, *image_.constants_);
        return {};
    }

    Result<std::shared_ptr<const os::Mapping>> own()
    {
        CELL_TRY(os::Mapping view, cell::image::map_constants(image_.regions_));
        return std::make_shared<const os::Mapping>(std::move(view));
    }

    Result<std::shared_ptr<const os::Mapping>> shared()
    {
        const ModuleTemplate &source = *image_.template_;
        const std::lock_guard lock(source.mutex);
        if (!source.host_view) {
            CELL_TRY(source.host_view, own());
        }
        return source.host_view;
    }

    Result<void> fill_from_file()
    {
        std::size_t writable = 0;
        for (const ModuleSegment &segment : file_.segments()) {
            if (!(segment.protection & PROT_WRITE))
                continue;
            const std::uint64_t skipped = segment.data - segment.address;
            std::memcpy(image_.window_.data() + layout_.data[writable++] + skipped,
                        file_.content().data() + segment.offset + skipped, segment.filled);
        }
        const std::uint64_t pointer = file_.mailbox_pointer() + layout_.bias;
        if (std::byte *place = image_.host(pointer, sizeof pointer, PROT_WRITE))
            std::memcpy(place, &image_.mailbox_, sizeof image_.mailbox_);
        return InitialStack(image_.window_.data() + layout_.block, image_.start_data_)
            .write(file_, layout_.bias);
    }

    // By way of the file: each first touch of the mapping would be a page fault.
    Result<void> fill_from_template()
    {
        const auto &pieces = image_.template_->pieces;
        std::vector<std::span<const std::byte>> run; // pieces that follow each other
        for (std::size_t i = 0; i < pieces.size(); i++) {
            run.push_back(pieces[i].bytes);
            const std::uint64_t end = pieces[i].offset + pieces[i].bytes.size();
            if (i + 1 < pieces.size() && pieces[i + 1].offset == end)
                continue;
            const std::uint64_t start = end - run.size() * kPage;
            CELL_CHECK(os::write_at(image_.window_file_.get(), start, run));
            run.clear();
        }
        return image_.make_unique();
    }

    Result<void> set_mailbox()
    {
        sbm_mailbox &mailbox = image_.mailbox();
        mailbox.heap_start = image_.cell_base_ + layout_.heap;
        mailbox.heap_size = layout_.heap_size;
        // Whole pages: the cell can write behind the mailbox too.
        const auto *start = reinterpret_cast<const std::byte *>(&mailbox);
        image_.pristine_.push_back(
            {layout_.mailbox, {start, start + round_up(sizeof mailbox, kPage)}});
        return image_.template_ ? Result<void>() : image_.make_unique();
    }

    CellImage &image_;
    const ModuleFile &file_;
    const ModuleLayout &layout_;
    HostView view_ = HostView::own;
};

Result<CellImage> build_module_image(std::shared_ptr<const ModuleFile> file,
                                     const ImageOptions &options)
{
    CELL_TRY(const std::uint64_t base, choose_module_base());
    CELL_TRY(ModuleLayout layout, ModuleLayout::choose(*file, options, base));
    CellImage image;
    CELL_CHECK(ModuleImageBuilder(image, std::move(file),
                                  std::make_shared<const ModuleLayout>(std::move(layout)))
                   .run(nullptr, HostView::own));
    return image;
}

Result<CellImage> clone_template(std::shared_ptr<const ModuleTemplate> source, HostView view)
{
    CellImage image;
    std::shared_ptr<const ModuleLayout> layout(source, &source->layout);
    CELL_CHECK(ModuleImageBuilder(image, source->file, std::move(layout)).run(source, view));
    return image;
}

Result<std::shared_ptr<const ModuleTemplate>> make_template(const CellImage &maker,
                                                            const os::TickRate &rate)
{
    auto result = std::make_shared<ModuleTemplate>();
    result->file = maker.module_;
    result->layout = *maker.layout_;
    result->rate = rate;
    const ModuleLayout &layout = result->layout;
    CELL_TRY(result->thread_pointer, maker.started_thread_pointer());
    const std::byte *window = maker.window_.data();
    std::uint64_t constant_offset = UINT64_MAX;
    std::size_t writable = 0;
    for (const ModuleSegment &segment : result->file->segments()) {
        if (!(segment.protection & PROT_WRITE))
            continue;
        if (result->file->constant_size() && segment.address == result->file->constant_start())
            constant_offset = layout.data[writable];
        writable++;
    }
    if (constant_offset != UINT64_MAX) {
        CELL_TRY(result->constants,
                 os::program_file("sbm-constants",
                                  {window + constant_offset, result->file->constant_size()}));
    }
    // The stacks are dead, the mailbox is each cell's own.
    os::for_each_piece(
        maker.window_file_.get(), layout.block, layout.window_size - layout.block,
        [&](std::uint64_t start, std::uint64_t end) {
            for (std::uint64_t page = start; page < end; page += kPage)
                if (!contains(constant_offset, result->file->constant_size(), page, kPage) &&
                    !is_zero(window + page))
                    result->pieces.push_back({page, {window + page, window + page + kPage}});
        });
    return std::shared_ptr<const ModuleTemplate>(std::move(result));
}

// The value is the cell's: anywhere else a processor would not take it.
Result<std::uint64_t> CellImage::started_thread_pointer() const
{
    // Once: code of the cell may still run.
    const std::uint64_t value = __atomic_load_n(&mailbox().thread_pointer, __ATOMIC_RELAXED);
    if (!host(value, kStackGuardValue + sizeof(std::uint64_t), PROT_READ | PROT_WRITE))
        return error(Errc::fault, "the module's start code set no thread pointer");
    return value;
}

Result<AddressRange> CellImage::finish_start(const os::TickRate &rate)
{
    CELL_TRY(thread_pointer_, started_thread_pointer());
    rate_ = rate;
    clock_ticks_ = 0; // with which the clocks begin anew
    const auto constant = std::find_if(regions_.begin(), regions_.end(),
                                       [](const Region &region) { return region.may_change; });
    if (constant == regions_.end())
        return AddressRange();
    constant->protection = PROT_READ;
    return AddressRange{constant->address, constant->size};
}

// Copies the template back over the pages that have memory, clears the others, and gives
// back what is beyond the cap.
Result<void> CellImage::restore_module()
{
    std::memset(arguments(), 0, kPage);
    std::memcpy(window_.data() + layout_->mailbox, pristine_.front().bytes.data(),
                pristine_.front().bytes.size());
    std::uint64_t kept = 0;
    const auto &touched =
        touched_.find(window_file_.get(), layout_->stack, layout_->window_size - layout_->stack);
    for (const auto &[start, end] : touched)
        restore_piece(start, end, kept);
    if (kept > kKeepOnReset)
        touched_.forget(); // some of it was given back
    return make_unique();
}

void CellImage::restore_piece(std::uint64_t start, std::uint64_t end, std::uint64_t &kept) noexcept
{
    auto piece = std::lower_bound(
        template_->pieces.begin(), template_->pieces.end(), start,
        [](const ModuleTemplate::Piece &p, std::uint64_t offset) { return p.offset < offset; });
    for (std::uint64_t page = start; page < end;) {
        if (piece != template_->pieces.end() && piece->offset == page) {
            std::memcpy(window_.data() + page, piece->bytes.data(), kPage);
            page += kPage;
            ++piece;
            continue;
        }
        const std::uint64_t stop =
            piece == template_->pieces.end() ? end : std::min(end, piece->offset);
        const std::uint64_t cleared =
            std::min(stop - page, kKeepOnReset - std::min(kept, kKeepOnReset));
        std::memset(window_.data() + page, 0, cleared);
        if (page + cleared < stop)
            os::give_back(window_file_.get(), page + cleared, stop - page - cleared);
        kept += stop - page;
        page = stop;
    }
}

// What no two cells have in common.
Result<void> CellImage::make_unique() noexcept
{
    struct {
        unsigned char seed[SBM_SEED_BYTES];
        unsigned char guard[sizeof(std::uint64_t)];
    } fresh;
    CELL_CHECK(os::fill_random(std::as_writable_bytes(std::span(&fresh, 1))));
    std::memcpy(mailbox().seed, fresh.seed, sizeof fresh.seed);
    clock_ticks_ = 0;
    fresh.guard[0] = 0; // a zero byte stops string overruns
    if (std::byte *guard =
            host(thread_pointer_ + kStackGuardValue, sizeof fresh.guard, PROT_READ | PROT_WRITE))
        std::memcpy(guard, fresh.guard, sizeof fresh.guard);
    return {};
}

void CellImage::prepare_module_call() noexcept
{
    mailbox().log_written = 0;
    sbm_clock &clock = mailbox().clock;
    const std::uint64_t now = os::ticks();
    if (clock_ticks_ != 0 && now - clock_ticks_ < kClockInterval) {
        clock.age = now - clock_ticks_;
        return;
    }
    clock.multiplier = rate_.multiplier;
    clock_ticks_ = os::ticks_around([&] {
        clock.realtime = os::realtime_ns();
        clock.monotonic = os::monotonic_ns();
    });
    clock.age = os::ticks() - clock_ticks_;
}

} // namespace cell::image
