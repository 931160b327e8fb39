// SPDX-License-Identifier: Apache-2.0
#include "image/cell_image.hpp"

#include "base/checked.hpp"
#include "image/relocate.hpp"
#include "os/random.hpp"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace cell::image {
namespace {

constexpr std::uint64_t kImportsMax = 65536; // faulting addresses; they take no memory

// The thread control block that code expects behind the thread pointer: the
// address of itself (x86-64 ABI, TLS variant II), and the stack protector's
// value at offset 40 (0x28), which gcc's code reads.
struct ThreadBlock {
    std::uint64_t self;
    std::uint64_t reserved[4];
    std::uint64_t stack_guard;
    std::uint64_t padding[58];
};

int protection_of(const Elf64_Phdr &segment)
{
    return ((segment.p_flags & PF_R) ? PROT_READ : 0) |
           ((segment.p_flags & PF_W) ? PROT_WRITE : 0) | ((segment.p_flags & PF_X) ? PROT_EXEC : 0);
}

Result<void> read_file(int file, std::byte *target, std::uint64_t size, std::uint64_t offset)
{
    while (size > 0) {
        const ssize_t n = ::pread(file, target, size, static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return os_error(n < 0 ? errno : EIO, "cannot read the program's file");
        target += n;
        size -= static_cast<std::uint64_t>(n);
        offset += static_cast<std::uint64_t>(n);
    }
    return {};
}

} // namespace

// Builds an image in four steps: choose addresses, fill the window, relocate,
// remember the result.
class ImageBuilder {
public:
    ImageBuilder(CellImage &image, const ImageOptions &options) : image_(image), options_(options)
    {
    }

    Result<void> run(const LoadedObject &object)
    {
        image_.object_ = object;
        CELL_TRY(image_.object_file_, open_object(object));
        CELL_TRY(runtime_, Runtime::open());
        CELL_CHECK(choose_addresses());
        CELL_CHECK(add_object());
        add_runtime();
        CELL_CHECK(relocate());
        CELL_CHECK(add_thread());
        add_mailbox();
        remember();
        if (const auto range = find_section(object, image_.object_file_.get(), "sbm_proxies"))
            image_.proxies_ = *range;
        return {};
    }

private:
    struct Data { // a writable segment of the object
        const Elf64_Phdr *header;
        std::uint64_t address; // its first page in the cell
        std::uint64_t size;
        std::uint64_t offset; // in the window
    };

    // Takes `size` bytes of the window, and leaves a page after them that no
    // region covers.
    std::uint64_t take(std::uint64_t size)
    {
        const std::uint64_t start = cursor_;
        cursor_ += round_up(size, kPage) + kPage;
        return start;
    }

    Result<void> choose_addresses()
    {
        const Elf64_Phdr *tls = image_.object_.header(PT_TLS);
        tls_alignment_ = tls && tls->p_align ? tls->p_align : 1;
        tls_size_ = tls ? round_up(tls->p_memsz, tls_alignment_) : 0;
        const std::uint64_t tls_space =
            round_up(tls_size_ + tls_alignment_ + sizeof(ThreadBlock), kPage);

        const std::uint64_t cell_constants = take(kPage), mailbox = take(sizeof(sbm_mailbox)),
                            arguments = take(kPage), system = take(CellImage::kSystemPages * kPage),
                            tls_at = take(tls_space);
        runtime_offset_ = take(runtime_.size());
        const auto stack_size = checked_round_up(options_.stack, kPage);
        const auto heap_size = checked_round_up(options_.memory, kLargePage);
        if (!stack_size || !heap_size || *stack_size > kTooLarge || *heap_size > kTooLarge)
            return error(Errc::no_memory, "memory or stack of the cell is too large");
        cursor_ += kStackGuard;
        const std::uint64_t stack = take(*stack_size);
        CELL_CHECK(choose_data());
        cursor_ = round_up(cursor_, kLargePage);
        heap_offset_ = take(*heap_size);
        heap_size_ = *heap_size;
        const std::uint64_t file_size = cursor_;
        const std::uint64_t imports = cursor_;
        cursor_ += kImportsMax * kPage;

        CELL_TRY(image_.window_, os::reserve(cursor_, kLargePage));
        CELL_TRY(image_.window_file_, os::memory_file("sbm-cell", file_size));
        image_.window_bytes_ = file_size;
        CELL_CHECK(os::map_over(image_.window_.data(), file_size, PROT_READ | PROT_WRITE,
                                image_.window_file_.get(), 0, MAP_SHARED | MAP_NORESERVE));
        const std::uint64_t base = image_.cell_base_ = image_.window_.address();
        image_.cell_constants_ = cell_constants;
        image_.mailbox_ = base + mailbox;
        image_.arguments_ = base + arguments;
        image_.system_window_ = base + system;
        image_.stack_ = base + stack;
        image_.stack_size_ = *stack_size;
        image_.imports_start_ = base + imports;
        image_.thread_pointer_ = round_down(base + tls_at + tls_space - sizeof(ThreadBlock),
                                            std::max<std::uint64_t>(tls_alignment_, 64));
        add_region_at(SBM_CELL_CONSTANTS, cell_constants, kPage, PROT_READ);
        add_region(mailbox, sizeof(sbm_mailbox), PROT_READ | PROT_WRITE);
        add_region(arguments, kPage, PROT_READ);
        add_region(tls_at, tls_space, PROT_READ | PROT_WRITE);
        add_region(stack, *stack_size, PROT_READ | PROT_WRITE);
        add_region(heap_offset_, heap_size_, PROT_READ | PROT_WRITE);
        image_.zero_ = {{stack, *stack_size}, {heap_offset_, heap_size_}};
        tls_offset_ = tls_at;
        tls_space_ = tls_space;
        return {};
    }

    Result<void> choose_data()
    {
        for (const Elf64_Phdr &header : image_.object_.headers) {
            if (header.p_type != PT_LOAD || !(header.p_flags & PF_W))
                continue;
            const std::uint64_t start = image_.object_.base + header.p_vaddr;
            const std::uint64_t first = round_down(start, kPage);
            const std::uint64_t size = round_up(start + header.p_memsz, kPage) - first;
            data_.push_back({&header, first, size, take(size)});
        }
        return {};
    }

    // A region of the window at its own address.
    void add_region(std::uint64_t offset, std::uint64_t size, int protection)
    {
        add_region_at(image_.window_.address() + offset, offset, size, protection);
    }

    void add_region_at(std::uint64_t address, std::uint64_t offset, std::uint64_t size,
                       int protection)
    {
        image_.regions_.push_back({address, round_up(size, kPage), protection,
                                   image_.window_file_.get(), offset, true,
                                   image_.window_.data() + offset});
    }

    Result<void> add_object()
    {
        CELL_CHECK(add_constants());
        for (const Data &data : data_) {
            const std::uint64_t skipped = image_.object_.base + data.header->p_vaddr - data.address;
            CELL_CHECK(read_file(image_.object_file_.get(),
                                 image_.window_.data() + data.offset + skipped,
                                 data.header->p_filesz, data.header->p_offset));
            add_data_regions(data);
        }
        return {};
    }

    // Code and read-only data: the same pages of the same file.
    Result<void> add_constants()
    {
        for (const Elf64_Phdr &header : image_.object_.headers) {
            if (header.p_type != PT_LOAD || (header.p_flags & PF_W))
                continue;
            if (header.p_memsz != header.p_filesz)
                return error(Errc::misuse, "%s has a read-only segment that grows in memory",
                             image_.object_.path.c_str());
            const std::uint64_t address = round_down(image_.object_.base + header.p_vaddr, kPage);
            const std::uint64_t end =
                round_up(image_.object_.base + header.p_vaddr + header.p_filesz, kPage);
            image_.regions_.push_back({address, end - address, protection_of(header),
                                       image_.object_file_.get(),
                                       round_down(header.p_offset, kPage), false, nullptr});
        }
        CELL_TRY(os::Mapping view, map_constants(image_.regions_));
        image_.constants_ = std::make_shared<const os::Mapping>(std::move(view));
        place_constants(image_.regions_, *image_.constants_);
        return {};
    }

    // What the program protects after relocation is read-only in the cell too.
    void add_data_regions(const Data &data)
    {
        std::uint64_t constant = 0;
        const Elf64_Phdr *relro = image_.object_.header(PT_GNU_RELRO);
        if (relro && contains(data.header->p_vaddr, data.header->p_memsz, relro->p_vaddr, 1)) {
            const std::uint64_t end =
                round_down(image_.object_.base + relro->p_vaddr + relro->p_memsz, kPage);
            if (round_down(image_.object_.base + relro->p_vaddr, kPage) == data.address &&
                end > data.address)
                constant = std::min(end - data.address, data.size);
        }
        if (constant)
            add_region_at(data.address, data.offset, constant, PROT_READ);
        if (constant < data.size)
            add_region_at(data.address + constant, data.offset + constant, data.size - constant,
                          PROT_READ | PROT_WRITE);
    }

    void add_runtime()
    {
        const std::uint64_t address = image_.window_.address() + runtime_offset_;
        runtime_.load(image_.window_.data() + runtime_offset_, address);
        for (const Elf64_Phdr &segment : runtime_.segments()) {
            if (segment.p_type != PT_LOAD)
                continue;
            const std::uint64_t start = round_down(segment.p_vaddr, kPage);
            const std::uint64_t end = round_up(segment.p_vaddr + segment.p_memsz, kPage);
            add_region(runtime_offset_ + start, end - start, protection_of(segment));
        }
        image_.runtime_ = address;
        image_.entry_ = address + runtime_.offset_of("__sbm_call");
        image_.serve_ = address + runtime_.offset_of("__sbm_serve");
        const std::uint64_t pointer = runtime_.offset_of("__sbm_mailbox");
        std::memcpy(image_.window_.data() + runtime_offset_ + pointer, &image_.mailbox_,
                    sizeof image_.mailbox_);
    }

    Result<void> relocate()
    {
        const RelocationInput input{
            .object = image_.object_,
            .runtime = runtime_,
            .runtime_memory = image_.window_.data() + runtime_offset_,
            .runtime_address = image_.window_.address() + runtime_offset_,
            .imports_start = image_.imports_start_,
            .imports_limit = kImportsMax,
            .thread_pointer = image_.thread_pointer_,
            .tls_size = tls_size_,
            .place = [this](std::uint64_t address, std::uint64_t size) -> std::byte * {
                for (const Data &data : data_)
                    if (contains(data.address, data.size, address, size))
                        return image_.window_.data() + data.offset + (address - data.address);
                return nullptr;
            },
        };
        Relocator relocator(input);
        CELL_CHECK(relocator.run());
        image_.imports_ = relocator.take_imports();
        return {};
    }

    Result<void> add_thread()
    {
        const std::uint64_t base = image_.window_.address();
        ThreadBlock block{};
        block.self = image_.thread_pointer_;
        // A value of the cell's own: the program's must not be found in a cell.
        CELL_CHECK(os::fill_random(std::as_writable_bytes(std::span(&block.stack_guard, 1))));
        block.stack_guard &= ~std::uint64_t{0xff}; // a zero byte stops string overruns
        std::memcpy(image_.window_.data() + (image_.thread_pointer_ - base), &block, sizeof block);
        if (const Elf64_Phdr *tls = image_.object_.header(PT_TLS)) {
            const std::uint64_t start = image_.thread_pointer_ - tls_size_;
            if (const std::byte *initial =
                    image_.host(image_.object_.base + tls->p_vaddr, tls->p_filesz, PROT_READ))
                std::memcpy(image_.window_.data() + (start - base), initial, tls->p_filesz);
        }
        return {};
    }

    void add_mailbox()
    {
        sbm_mailbox &mailbox = image_.mailbox();
        mailbox.heap_start = image_.window_.address() + heap_offset_;
        mailbox.heap_size = heap_size_;
        mailbox.tls_start = image_.thread_pointer_ - tls_size_;
    }

    // Everything that is not zero and that the cell can write.
    void remember()
    {
        keep(image_.mailbox_ - image_.window_.address(), round_up(sizeof(sbm_mailbox), kPage));
        keep(tls_offset_, tls_space_);
        for (const Elf64_Phdr &segment : runtime_.segments()) {
            const std::uint64_t start = round_down(segment.p_vaddr, kPage);
            if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W))
                keep(runtime_offset_ + start,
                     round_up(segment.p_vaddr + segment.p_memsz, kPage) - start);
        }
        for (const Data &data : data_) {
            const std::uint64_t skipped = image_.object_.base + data.header->p_vaddr - data.address;
            const std::uint64_t filled =
                std::min(data.size, round_up(skipped + data.header->p_filesz, kPage));
            keep(data.offset, filled);
            if (filled < data.size)
                keep_copies_or_zero(data, filled);
        }
    }

    // The part beyond the file is zero, except for copies of library variables,
    // which lie at its start: pages that were touched while relocating.
    void keep_copies_or_zero(const Data &data, std::uint64_t filled)
    {
        std::uint64_t copied = filled;
        for (const Elf64_Rela &relocation : image_.object_.tables.relocations) {
            if (ELF64_R_TYPE(relocation.r_info) != R_X86_64_COPY)
                continue;
            const Elf64_Sym &symbol = image_.object_.tables.symbols[ELF64_R_SYM(relocation.r_info)];
            const std::uint64_t end = image_.object_.base + relocation.r_offset + symbol.st_size;
            if (contains(data.address, data.size, end, 0))
                copied = std::max(copied, round_up(end - data.address, kPage));
        }
        if (copied > filled)
            keep(data.offset + filled, copied - filled);
        if (copied < data.size)
            image_.zero_.push_back({data.offset + copied, data.size - copied});
    }

    void keep(std::uint64_t offset, std::uint64_t size)
    {
        const std::byte *start = image_.window_.data() + offset;
        image_.pristine_.push_back({offset, {start, start + size}});
    }

    static constexpr std::uint64_t kTooLarge = std::uint64_t{1} << 40;

    CellImage &image_;
    const ImageOptions &options_;
    Runtime runtime_;
    std::vector<Data> data_;
    std::uint64_t cursor_ = kPage; // the first page stays empty: a guard
    std::uint64_t tls_alignment_ = 1, tls_size_ = 0, tls_offset_ = 0, tls_space_ = 0;
    std::uint64_t runtime_offset_ = 0, heap_offset_ = 0, heap_size_ = 0;
};

Result<CellImage> CellImage::build(const LoadedObject &object, const ImageOptions &options)
{
    CellImage image;
    CELL_CHECK(ImageBuilder(image, options).run(object));
    return image;
}

sbm_mailbox &CellImage::mailbox() const
{
    return *reinterpret_cast<sbm_mailbox *>(window_.data() + (mailbox_ - cell_base_));
}

CellParts CellImage::parts() const
{
    return {.regions = regions_,
            .blocks = {{{window_.data(), window_bytes_, true},
                        {constants_->data(), constants_->size(), false}}},
            .mailbox = &mailbox(),
            .entry = entry_,
            .serve = serve_,
            .stack_top = stack_top(),
            .thread_pointer = thread_pointer_,
            .system_window = system_window_,
            .system_call_entry = system_call_entry_};
}

bool CellImage::is_stack_guard(std::uint64_t address) const
{
    const auto is_below = [address](std::uint64_t stack) {
        return address < stack && stack - address <= kStackGuard;
    };
    return is_below(stack_) || is_below(start_stack_);
}

bool CellImage::has_code_at(std::uint64_t address) const
{
    for (const Region &region : regions_)
        if (!region.shared && (region.protection & PROT_EXEC) &&
            contains(region.address, region.size, address, 1))
            return true;
    return false;
}

const char *CellImage::import_at(std::uint64_t address) const
{
    if (address < imports_start_ || (address - imports_start_) / kPage >= imports_.size())
        return nullptr;
    return imports_[(address - imports_start_) / kPage].c_str();
}

Result<void> CellImage::restore()
{
    if (template_)
        return restore_module();
    std::memset(arguments(), 0, kPage);
    for (const Pristine &part : pristine_)
        std::memcpy(window_.data() + part.offset, part.bytes.data(), part.bytes.size());
    const auto &touched = touched_.find(window_file_.get(), 0, window_bytes_);
    bool gave_back = false;
    for (const Zero &part : zero_)
        gave_back = os::zero_memory_file(window_file_.get(), window_.data(), touched, part.offset,
                                         part.size, kKeepOnReset) ||
                    gave_back;
    if (gave_back)
        touched_.forget();
    return {};
}

std::byte *CellImage::host(std::uint64_t address, std::uint64_t size, int protection) const
{
    return find_host(regions_, address, size, protection);
}

} // namespace cell::image
