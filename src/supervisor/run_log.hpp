// SPDX-License-Identifier: Apache-2.0
//
// A run in a file: the app as it was when it had started, and each call with what it was
// answered. With it the app runs again, at either strong level, without files, network or
// clocks.
#pragma once

#include "base/result.hpp"
#include "os/descriptor.hpp"
#include "system/tape.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace cell::supervisor {

// One call. What the app gave is there by its size, its beginning and a hash.
struct RunCall {
    struct Given {
        std::uint64_t size = 0, hash = 0;
        std::string beginning;
        bool operator==(const Given &) const = default;
    };
    std::uint16_t number = 0;
    std::int32_t status = 0;
    std::vector<std::uint64_t> words;
    std::vector<Given> given;
    std::array<std::uint64_t, 2> results{};
    std::vector<std::string> filled;
};

// The bytes of a file, checked as they are read: misuse, and where, for what is no record.
class RunLogReader {
public:
    explicit RunLogReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    // First: the app's state, a template (image/template_file.hpp).
    Result<std::span<const std::byte>> start();
    // The next call; nothing at the end. A record that was cut off in a call ends before it.
    Result<std::optional<RunCall>> next();
    // How the run ended, after the last call; empty if nobody wrote that.
    const std::string &end() const { return end_; }

private:
    std::optional<std::span<const std::byte>> take(std::uint64_t size);
    Result<std::optional<std::span<const std::byte>>> take_piece(std::uint8_t &kind);

    std::span<const std::byte> bytes_;
    std::uint64_t at_ = 0;
    std::string end_;
};

// Writes a record while the app runs. A call that cannot be written ends the app.
class Recorder final : public system::Tape {
public:
    static Result<Recorder> create(const std::string &path, std::span<const std::byte> state);

    bool is_played() const override { return false; }
    void pass(const system::Asked &asked, system::Answer &answer,
              const std::function<void()> &serve) override;
    bool has_ended() const override { return failure_.has_value(); }

    // How the run ended; the error if not all could be written.
    Result<void> finish(const std::string &end);

private:
    explicit Recorder(os::Descriptor file) : file_(std::move(file)) {}
    void add(std::uint8_t kind, std::span<const std::byte> content);
    void flush();

    os::Descriptor file_;
    std::vector<std::byte> waiting_;
    std::uint64_t written_ = 0;
    std::optional<Error> failure_;
};

// Answers each call with what was answered when the run was recorded, and ends the app where
// it asks for something else. What it writes is written again.
class Player final : public system::Tape {
public:
    explicit Player(RunLogReader &log) : log_(log) {}

    bool is_played() const override { return true; }
    void pass(const system::Asked &asked, system::Answer &answer,
              const std::function<void()> &serve) override;
    bool has_ended() const override { return ended_.has_value(); }

    // Why it ended the app: a difference, or the end of the record.
    const std::optional<Error> &ended() const { return ended_; }

private:
    RunLogReader &log_;
    std::uint64_t calls_ = 0;
    std::optional<Error> ended_;
};

} // namespace cell::supervisor
