// SPDX-License-Identifier: Apache-2.0
#include "call/host_call.hpp"

#include "base/checked.hpp"

#include <sbm/proxy.h>

#include <array>
#include <cinttypes>
#include <cstring>
#include <exception>
#include <sys/mman.h>
#include <vector>

namespace cell::call {
namespace {

constexpr std::size_t kArgumentBytesMax = 4096;
constexpr std::size_t kFields = 6;

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

    Result<std::int64_t> run(const backend::HostCall &call)
    {
        const sbm_proxy *proxy = find_proxy(call.proxy, image_.proxies());
        if (!proxy || proxy->size > kArgumentBytesMax || proxy->count > kFields)
            return error(Errc::fault, "%#" PRIx64 " is not a proxy of this program", call.proxy);
        const std::byte *arguments = find(call.arguments, proxy->size, Access::read);
        if (!arguments)
            return error(Errc::fault, "%s: its arguments are not in the cell", proxy->name);
        std::memcpy(arguments_.data(), arguments, proxy->size);
        for (std::size_t i = 0; i < proxy->count; i++)
            if (proxy->fields[i].kind != SBM_FIELD_VALUE)
                CELL_CHECK(take_buffer(*proxy, proxy->fields[i].kind, proxy->fields[i].offset));
        const long value = proxy->enter(arguments_.data());
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
    Result<void> take_buffer(const sbm_proxy &proxy, std::uint32_t kind, std::uint32_t offset)
    {
        View view;
        std::memcpy(&view, arguments_.data() + offset, sizeof view);
        if (view.size > SBM_PROXY_BYTES_MAX - total_)
            return error(Errc::fault, "%s: more than %zu bytes of buffers", proxy.name,
                         SBM_PROXY_BYTES_MAX);
        total_ += view.size;
        const auto address = reinterpret_cast<std::uint64_t>(view.data);
        std::byte *memory = nullptr;
        if (view.size != 0) {
            memory = find(address, view.size, kind == SBM_FIELD_IN ? Access::read : Access::write);
            if (!memory)
                return error(Errc::fault, "%s: %zu bytes at %#" PRIx64 " are not in the cell",
                             proxy.name, view.size, address);
        }
        std::vector<std::byte> &copy = buffers_[count_];
        copy.resize(view.size);
        if (view.size != 0 && kind != SBM_FIELD_OUT)
            std::memcpy(copy.data(), memory, view.size);
        targets_[count_] = kind == SBM_FIELD_IN ? nullptr : memory;
        view.data = copy.data();
        std::memcpy(arguments_.data() + offset, &view, sizeof view);
        count_++;
        return {};
    }

    const image::CellImage &image_;
    const Arena &arena_;
    alignas(64) std::array<std::byte, kArgumentBytesMax> arguments_;
    std::array<std::vector<std::byte>, kFields> buffers_;
    std::array<std::byte *, kFields> targets_{};
    std::size_t count_ = 0, total_ = 0;
};

} // namespace

Result<std::int64_t> serve_host_call(const backend::HostCall &call, const image::CellImage &image,
                                     const Arena &arena) noexcept
{
    // A body may throw on what the cell gave it, and copies may find no memory.
    try {
        return HostCallServer(image, arena).run(call);
    } catch (const std::exception &thrown) {
        return error(Errc::fault, "a proxy threw an exception: %.200s", thrown.what());
    } catch (...) {
        return error(Errc::fault, "a proxy threw an exception");
    }
}

} // namespace cell::call
