// SPDX-License-Identifier: Apache-2.0
#include "call/host_call.hpp"

#include "base/checked.hpp"

#include <sbm/proxy.h>

#include <array>
#include <cinttypes>
#include <cstring>
#include <exception>
#include <span>
#include <sys/mman.h>
#include <vector>

namespace cell::call {
namespace {

constexpr std::size_t kArgumentBytesMax = 4096;
constexpr std::size_t kFields = 8;

// All three kinds of buffer look like this.
struct View {
    const void *data;
    std::size_t size;
};
static_assert(sizeof(View) == sizeof(sbm_in) && sizeof(View) == sizeof(sbm_out) &&
              sizeof(View) == sizeof(sbm_inout));

// The proxy at an address that a cell gave, if the object declares it there. The
// structure itself is then read from the host's memory, not from the cell's.
const sbm_proxy *find_proxy(std::uint64_t address, const image::AddressRange &declared)
{
    if (!contains(declared.start, declared.size, address, sizeof(sbm_proxy)) ||
        (address - declared.start) % sizeof(sbm_proxy) != 0)
        return nullptr;
    return reinterpret_cast<const sbm_proxy *>(address);
}

class HostCallServer {
public:
    HostCallServer(const image::CellImage &image, const Arena &arena) : image_(image), arena_(arena)
    {
    }

    // A function as both interfaces have it: `enter` runs it.
    template <class Enter>
    Result<std::int64_t> run(const char *name, std::uint64_t arguments, std::size_t size,
                             std::span<const sbm::detail::HostField> fields, Enter &&enter)
    {
        name_ = name;
        if (size > kArgumentBytesMax || fields.size() > kFields)
            return error(Errc::fault, "%s: too many arguments", name);
        if (const std::byte *memory = find(arguments, size, Access::read))
            std::memcpy(arguments_.data(), memory, size);
        else
            return error(Errc::fault, "%s: its arguments are not in the cell", name);
        for (const sbm::detail::HostField &field : fields)
            CELL_CHECK(take_buffer(field));
        const long value = enter(arguments_.data());
        for (std::size_t i = 0; i < count_; i++)
            if (targets_[i] && !buffers_[i].empty())
                std::memcpy(targets_[i], buffers_[i].data(), buffers_[i].size());
        return std::int64_t{value};
    }

private:
    std::byte *find(std::uint64_t address, std::uint64_t size, Access access) const
    {
        const int protection = access == Access::read ? PROT_READ : PROT_READ | PROT_WRITE;
        if (std::byte *memory = image_.host(address, size, protection))
            return memory;
        return arena_.find(address, size, access);
    }

    // Replaces the cell's view in the copied arguments by one of a private copy.
    Result<void> take_buffer(const sbm::detail::HostField &field)
    {
        using Kind = sbm::detail::HostField::Kind;
        View view;
        std::memcpy(&view, arguments_.data() + field.offset, sizeof view);
        const auto bytes = checked_multiply(view.size, field.element);
        if (!bytes || *bytes > SBM_PROXY_BYTES_MAX - total_)
            return error(Errc::fault, "%s: more than %zu bytes of buffers", name_,
                         SBM_PROXY_BYTES_MAX);
        total_ += *bytes;
        const auto address = reinterpret_cast<std::uint64_t>(view.data);
        std::byte *memory = nullptr;
        if (*bytes != 0) {
            memory = find(address, *bytes, field.kind == Kind::in ? Access::read : Access::write);
            if (!memory)
                return error(Errc::fault, "%s: %zu bytes at %#" PRIx64 " are not in the cell",
                             name_, static_cast<std::size_t>(*bytes), address);
        }
        std::vector<std::byte> &copy = buffers_[count_];
        copy.resize(*bytes);
        if (*bytes != 0 && field.kind != Kind::out)
            std::memcpy(copy.data(), memory, *bytes);
        targets_[count_] = field.kind == Kind::in ? nullptr : memory;
        view.data = copy.data();
        std::memcpy(arguments_.data() + field.offset, &view, sizeof view);
        count_++;
        return {};
    }

    const image::CellImage &image_;
    const Arena &arena_;
    const char *name_ = "";
    alignas(64) std::array<std::byte, kArgumentBytesMax> arguments_;
    std::array<std::vector<std::byte>, kFields> buffers_;
    std::array<std::byte *, kFields> targets_{};
    std::size_t count_ = 0;
    std::uint64_t total_ = 0;
};

Result<std::int64_t> serve_proxy(const backend::HostCall &call, const image::CellImage &image,
                                 const Arena &arena)
{
    using Kind = sbm::detail::HostField::Kind;
    const sbm_proxy *proxy = find_proxy(call.proxy, image.proxies());
    if (!proxy || proxy->count > std::size(proxy->fields))
        return error(Errc::fault, "%#" PRIx64 " is not a proxy of this program", call.proxy);
    std::array<sbm::detail::HostField, std::size(decltype(proxy->fields){})> fields;
    std::size_t count = 0;
    for (std::size_t i = 0; i < proxy->count; i++) {
        const std::uint32_t kind = proxy->fields[i].kind;
        if (kind != SBM_FIELD_VALUE)
            fields[count++] = {kind == SBM_FIELD_IN    ? Kind::in
                               : kind == SBM_FIELD_OUT ? Kind::out
                                                       : Kind::inout,
                               proxy->fields[i].offset, 1};
    }
    return HostCallServer(image, arena)
        .run(proxy->name, call.arguments, proxy->size, {fields.data(), count}, proxy->enter);
}

Result<std::int64_t> serve_import(const backend::HostCall &call, const image::CellImage &image,
                                  const Arena &arena, const Imports &imports)
{
    const Imports::Entry *entry = imports.find(call.proxy);
    if (!entry)
        return error(Errc::fault, "%#" PRIx64 " is no import of the module", call.proxy);
    if (!entry->function.enter)
        return error(Errc::fault, "%s, which the program does not provide", entry->name.c_str());
    return HostCallServer(image, arena)
        .run(entry->name.c_str(), call.arguments, entry->function.size,
             {entry->function.fields.data(), entry->function.count}, entry->function.enter);
}

} // namespace

Result<std::int64_t> serve_host_call(const backend::HostCall &call, const image::CellImage &image,
                                     const Arena &arena, const Imports *imports) noexcept
{
    // A body may throw on what the cell gave it, and copies may find no memory.
    try {
        return imports ? serve_import(call, image, arena, *imports)
                       : serve_proxy(call, image, arena);
    } catch (const std::exception &thrown) {
        return error(Errc::fault, "a function of the host threw an exception: %.200s",
                     thrown.what());
    } catch (...) {
        return error(Errc::fault, "a function of the host threw an exception");
    }
}

} // namespace cell::call
