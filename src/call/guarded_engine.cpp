// SPDX-License-Identifier: Apache-2.0
//
// Level `weak`: the function runs in the program's own address space, on copies of
// its buffers between guard pages.
#include "call/engine.hpp"

#include "backend/weak/guarded_call.hpp"
#include "base/checked.hpp"
#include "call/shared_memory.hpp"

#include <cstring>
#include <sys/mman.h>
#include <vector>

namespace cell::call {
namespace {

class GuardedEngine final : public Engine {
public:
    explicit GuardedEngine(const EngineOptions &options) : options_(options) {}

    Result<void> open()
    {
        CELL_TRY(call_, backend::weak::GuardedCall::create(options_.stack));
        return {};
    }

    sbm_level level() const override { return SBM_LEVEL_WEAK; }

    Result<Buffer> acquire(const BufferRequest &request) override
    {
        CELL_TRY(const std::uint32_t number,
                 arena_.acquire(request.size, request.alignment, request.access, options_.guard,
                                request.filled));
        CELL_CHECK(show_chunks());
        const std::uint64_t data = arena_.slot(number).data;
        return Buffer{number, reinterpret_cast<void *>(seen_at(data)), Arena::host(data)};
    }
    Result<void> require(std::uint32_t buffer, Access access) override
    {
        return arena_.require(buffer, access);
    }
    void release(std::uint32_t buffer) override { arena_.release(buffer); }
    bool is_intact(std::uint32_t buffer) const override { return arena_.is_intact(buffer); }

    Result<long> call(Function function, const void *data, std::size_t,
                      std::span<const Share> shares) override
    {
        show_grants();
        arena_.note_run();
        const Protected constants(shares);
        const backend::Exit exit = call_->run(function, const_cast<void *>(data), options_.limits);
        if (const auto *returned = std::get_if<backend::Returned>(&exit))
            return static_cast<long>(returned->value);
        fault_ = record_of(exit);
        const bool timed_out = std::holds_alternative<backend::TimedOut>(exit);
        return error(timed_out ? Errc::timed_out : Errc::fault, "the call was aborted: %s",
                     fault_->summary().c_str());
    }

    std::optional<FaultRecord> take_fault() override { return std::exchange(fault_, std::nullopt); }
    Result<void> reset() override
    {
        arena_.reset();
        return {};
    }
    void abandon() override { call_->abandon(); }

private:
    // Shared memory that a call may only read, for as long as the call lasts.
    class Protected {
    public:
        explicit Protected(std::span<const Share> shares) : shares_(shares) { set(PROT_READ); }
        ~Protected() { set(PROT_READ | PROT_WRITE); }
        Protected(const Protected &) = delete;
        Protected &operator=(const Protected &) = delete;

    private:
        void set(int protection) const
        {
            for (const Share &share : shares_) {
                const image::Region pages = share.memory->region(share.access);
                if (share.access == Access::read)
                    ::mprotect(pages.host, pages.size, protection);
            }
        }
        std::span<const Share> shares_;
    };

    // The function sees a second mapping of the buffers, in which only granted
    // pages exist; the library keeps the first one.
    Result<void> show_chunks()
    {
        while (views_.size() < arena_.chunks().size()) {
            const image::Region &chunk = arena_.chunks()[views_.size()];
            CELL_TRY(os::Mapping view, os::map_file(chunk.file, 0, chunk.size, PROT_NONE,
                                                    MAP_SHARED | MAP_NORESERVE));
            views_.push_back(std::move(view));
        }
        return {};
    }

    void show_grants()
    {
        for (; grants_known_ < arena_.grants().size(); grants_known_++) {
            const Grant &grant = arena_.grants()[grants_known_];
            ::mprotect(reinterpret_cast<void *>(seen_at(grant.address)), grant.size,
                       grant.protection);
        }
    }

    std::uint64_t seen_at(std::uint64_t address) const
    {
        for (std::size_t i = 0; i < views_.size(); i++) {
            const image::Region &chunk = arena_.chunks()[i];
            if (contains(chunk.address, chunk.size, address, 0))
                return views_[i].address() + (address - chunk.address);
        }
        return 0;
    }

    FaultRecord record_of(const backend::Exit &exit) const
    {
        FaultRecord record = classify(exit, nullptr);
        if (record.kind == SBM_FAULT_MEMORY && call_->is_stack_guard(record.address))
            record.kind = SBM_FAULT_STACK;
        return record;
    }

    const EngineOptions options_;
    Arena arena_;
    std::vector<os::Mapping> views_;
    std::size_t grants_known_ = 0;
    std::unique_ptr<backend::weak::GuardedCall> call_;
    std::optional<FaultRecord> fault_;
};

} // namespace

Result<std::unique_ptr<Engine>> make_guarded_engine(const EngineOptions &options)
{
    auto engine = std::make_unique<GuardedEngine>(options);
    CELL_CHECK(engine->open());
    return std::unique_ptr<Engine>(std::move(engine));
}

} // namespace cell::call
