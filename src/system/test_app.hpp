// SPDX-License-Identifier: Apache-2.0
//
// For tests of the system: an app without a cell, which makes the calls that the test says.
#pragma once

#include "system/system.hpp"
#include "system/test_time.hpp"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <optional>

namespace cell::system {

class HeapMemory final : public Memory {
public:
    std::optional<Piece> acquire(std::uint64_t bytes) override
    {
        auto &piece = pieces_.emplace_back(new std::byte[bytes]());
        return Piece{static_cast<std::uint32_t>(pieces_.size() - 1),
                     reinterpret_cast<std::uint64_t>(piece.get()), piece.get()};
    }
    void release(std::uint32_t name) noexcept override { pieces_[name].reset(); }

private:
    std::vector<std::unique_ptr<std::byte[]>> pieces_;
};

class TestApp {
public:
    void begin(Services services)
    {
        auto time = std::make_unique<TestTime>();
        time_ = time.get();
        services.time = std::move(time);
        services.denied = [this](const Denial &denial) { denials_.push_back(denial); };
        if (is_recording_) {
            services.needed = [this](const Need &need) { needs_.push_back(need); };
            services.trace = [this](const Traced &traced) { traced_.push_back(traced); };
        }
        system_.emplace(std::move(services));
        system_->attach(std::make_unique<HeapMemory>());
        ASSERT_EQ(call<sbm::calls::MemoryAcquire>({1, 1 << 16}), Status::ok);
        region_ = frame_.words[0];
        bytes_ = reinterpret_cast<char *>(frame_.words[1]);
    }

    template <class C> Status call(std::initializer_list<std::uint64_t> words)
    {
        return send<C>({words.begin(), words.end()});
    }
    std::uint64_t result(std::size_t number = 0) const { return frame_.words[number]; }

    // A call with a path or a name between what comes first and what comes last.
    template <class C>
    Status with(const std::vector<std::uint64_t> &first, const std::string &path,
                std::initializer_list<std::uint64_t> rest = {})
    {
        std::memcpy(bytes_, path.data(), path.size());
        std::vector<std::uint64_t> words = first;
        words.insert(words.end(), {region_, 0, path.size()});
        words.insert(words.end(), rest);
        return send<C>(words);
    }
    template <class C>
    Status on(const std::string &path, std::initializer_list<std::uint64_t> rest = {})
    {
        return with<C>({}, path, rest);
    }

protected:
    std::optional<System> system_;
    TestTime *time_ = nullptr;
    sbm_frame frame_{};
    bool goes_on_ = true;
    std::uint64_t region_ = 0; // of 64 KiB
    char *bytes_ = nullptr;    // that it has
    std::vector<Denial> denials_;
    bool is_recording_ = false; // set before it begins: the two below are filled
    std::vector<Need> needs_;
    std::vector<Traced> traced_;

private:
    template <class C> Status send(const std::vector<std::uint64_t> &words)
    {
        frame_ = {};
        frame_.number = C::number;
        std::copy(words.begin(), words.end(), frame_.words);
        goes_on_ = system_->answer(frame_);
        return static_cast<Status>(frame_.status);
    }
};

} // namespace cell::system
