// SPDX-License-Identifier: Apache-2.0
#include "call/cell.hpp"

#include "base/checked.hpp"
#include "os/clock.hpp"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>

namespace cell::call {
namespace {

// Who answers for an app runs on its account: the calling thread, and helpers elsewhere.
class SystemTime final : public backend::OtherTime {
public:
    explicit SystemTime(const SystemCalls *system) : system_(system) {}
    std::uint64_t used_ns() const override
    {
        return os::cpu_ns(CLOCK_THREAD_CPUTIME_ID) + system_->helper_time();
    }

private:
    const SystemCalls *system_;
};

} // namespace

Result<std::unique_ptr<Cell>> Cell::start(image::CellImage image,
                                          std::unique_ptr<backend::Backend> backend, Arena &arena)
{
    std::unique_ptr<Cell> cell(new Cell(std::move(image), std::move(backend), arena));
    CELL_CHECK(cell->introduce_memory());
    CELL_CHECK(cell->backend_->start(cell->image_));
    return cell;
}

// Modules lie at addresses of their own, which are usually nobody's.
Result<void> Cell::check_place(const image::Region &memory) const
{
    for (const image::Region &region : image_.regions())
        if (memory.address < region.address + region.size &&
            region.address < memory.address + memory.size)
            return error(Errc::no_memory, "the program has memory where the cell has its own");
    return {};
}

Result<void> Cell::introduce_memory()
{
    for (; chunks_known_ < arena_.chunks().size(); chunks_known_++) {
        const image::Region &chunk = arena_.chunks()[chunks_known_];
        CELL_CHECK(check_place(chunk));
        CELL_CHECK(backend_->add_memory(chunk));
    }
    return {};
}

Result<void> Cell::finish_start(const os::TickRate &rate)
{
    CELL_TRY(const image::AddressRange constants, image_.finish_start(rate));
    if (constants.size == 0)
        return {};
    return backend_->protect(constants.start, constants.size, PROT_READ);
}

Result<void> Cell::introduce()
{
    CELL_CHECK(introduce_memory());
    for (; grants_known_ < arena_.grants().size(); grants_known_++) {
        const Grant &grant = arena_.grants()[grants_known_];
        CELL_CHECK(backend_->protect(grant.address, grant.size, grant.protection));
    }
    return {};
}

// The cell sees exactly these from its next call on.
Result<void> Cell::share(std::span<const Share> shares)
{
    if (shares.empty() && lent_.empty())
        return {};
    CELL_CHECK(take_back_others(shares));
    for (const Share &share : shares) {
        const auto is_this = [&](const Lent &lent) { return lent.is(share); };
        if (std::any_of(lent_.begin(), lent_.end(), is_this))
            continue;
        const image::Region region = share.memory->region(share.access);
        CELL_CHECK(check_place(region));
        lent_.push_back({share.memory->shared_from_this(), share.access});
        if (const auto done = backend_->lend(region); !done) {
            lent_.pop_back();
            return done.error();
        }
    }
    return {};
}

Result<void> Cell::take_back_others(std::span<const Share> shares)
{
    for (std::size_t i = lent_.size(); i-- > 0;) {
        const auto is_this = [&](const Share &share) { return lent_[i].is(share); };
        if (std::any_of(shares.begin(), shares.end(), is_this))
            continue;
        CELL_CHECK(backend_->take_back(lent_[i].memory->region(lent_[i].access).address));
        lent_.erase(lent_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return {};
}

Result<long> Cell::call(const Order &order, const backend::Limits &limits,
                        std::optional<FaultRecord> &fault)
{
    const auto [function, data, size, shares] = order;
    if (stale_)
        return error(Errc::misuse, "the cell was aborted and not reset");
    CELL_CHECK(share(shares));
    auto argument = reinterpret_cast<std::uint64_t>(data);
    struct Large { // released however this ends
        Arena &arena;
        std::optional<std::uint32_t> slot;
        ~Large()
        {
            if (slot)
                arena.release(*slot);
        }
    } large{arena_, std::nullopt};
    if (size > kPage) {
        CELL_TRY(large.slot, arena_.acquire(size, 64, Access::read, GuardAt::start, true));
        argument = arena_.slot(*large.slot).data;
        std::memcpy(Arena::host(argument), data, size);
    } else if (size > 0) {
        argument = image_.arguments_address();
        // A call that is made again need not take the cache line away from the cell.
        if (std::memcmp(image_.arguments(), data, size) != 0)
            std::memcpy(image_.arguments(), data, size);
    }
    return run(function, argument, limits, fault);
}

Result<long> Cell::run(std::uint64_t function, std::uint64_t argument,
                       const backend::Limits &limits, std::optional<FaultRecord> &fault)
{
    CELL_CHECK(introduce());
    touched_ = true;
    arena_.note_run();
    image_.prepare_call();
    image_.mailbox().has_system = !system_              ? 0
                                  : system_->has_time() ? SBM_SYSTEM_HAS_TIME
                                                        : SBM_SYSTEM_IS_THERE;
    backend::Limits all = limits;
    const SystemTime of_system(system_);
    if (system_)
        all.others = &of_system;
    backend::Exit exit = backend_->call(function, argument, all);
    while (const auto *call = std::get_if<backend::HostCall>(&exit)) {
        if (system_ && call->proxy == SBM_SYSTEM_CALL) {
            stale_ = true; // unless it is answered
            CELL_TRY(const bool goes_on, answer_system_call());
            stale_ = false;
            if (!goes_on) {
                halt();
                return error(Errc::cancelled, "the app has ended");
            }
            exit = backend_->resume(0);
            continue;
        }
        const auto served = serve_host_call(*call, image_, arena_, imports_);
        if (!served) {
            halt();
            fault = FaultRecord{.kind = SBM_FAULT_HOST_CALL,
                                .access = SBM_ACCESS_NONE,
                                .address = call->proxy,
                                .registers = std::nullopt,
                                .detail = served.error().text()};
            return error(Errc::fault, "refused host call: %s", served.error().text());
        }
        exit = backend_->resume(*served);
    }
    if (const auto *returned = std::get_if<backend::Returned>(&exit))
        return settle(returned->value);
    stale_ = true;
    fault = classify(exit, &image_);
    const auto *timed_out = std::get_if<backend::TimedOut>(&exit);
    const Errc code = !timed_out                                      ? Errc::fault
                      : timed_out->limit == backend::Limit::cancelled ? Errc::cancelled
                                                                      : Errc::timed_out;
    return error(code, "the call was aborted: %s", fault->summary().c_str());
}

// The frame is copied once, and only the copy is looked at. False if the app has ended.
Result<bool> Cell::answer_system_call()
{
    sbm_frame frame;
    std::memcpy(&frame, &image_.mailbox().frame, sizeof frame);
    const bool goes_on = system_->answer(frame);
    std::memcpy(&image_.mailbox().frame, &frame, sizeof frame);
    CELL_CHECK(introduce()); // a region that it has acquired
    return goes_on;
}

// Whoever was lent memory could go on to write there after it has answered.
Result<long> Cell::settle(std::int64_t value)
{
    if (!lent_.empty())
        CELL_CHECK(backend_->settle());
    return static_cast<long>(value);
}

void Cell::halt()
{
    stale_ = true; // unless all of a reset succeeds
    if (touched_)
        backend_->halt();
}

Result<void> Cell::restart()
{
    if (touched_) {
        CELL_CHECK(image_.restore());
        CELL_CHECK(backend_->restart());
    }
    stale_ = touched_ = false;
    return {};
}

} // namespace cell::call
