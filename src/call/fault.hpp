// SPDX-License-Identifier: Apache-2.0
//
// From how a call ended to what the caller is told about it.
#pragma once

#include "backend/backend.hpp"
#include "image/cell_image.hpp"

#include <sbm/types.h>

#include <optional>
#include <string>
#include <vector>

namespace cell::call {

struct FaultRecord {
    sbm_fault_kind kind;
    sbm_access access = SBM_ACCESS_NONE;
    std::uint64_t address = 0;
    std::optional<backend::Registers> registers;
    std::string detail; // what the cell or the library says besides; printable

    // What happened, in words, without names and lines.
    std::string summary() const;
};

// Why an exit that is neither a return nor a host call ended the call.
// `image` is nullptr where there is none.
FaultRecord classify(const backend::Exit &exit, const image::CellImage *image);

// Bytes that came out of a cell, fit for a terminal and a log: at most `limit` of
// them, up to the first zero, everything unprintable as \xNN.
std::string printable(const char *bytes, std::size_t limit);

// What a module wrote to standard output and error during its last call, in printable
// form; the cell's memory is read once.
std::string log_of(const image::CellImage &image);

// A system call that a module made and that its personality does not do.
struct RefusedCall {
    std::string name; // printable
    std::uint64_t count;
};
std::vector<RefusedCall> refused_calls_of(const image::CellImage &image);

// The report in words. Strings are made when they are first asked for, since they
// take milliseconds: with `image`, from debug information and the cell's stack.
class FaultReport {
public:
    explicit FaultReport(FaultRecord record) : record_(std::move(record)) {}

    // `image` may be nullptr. Valid as long as this report.
    const sbm_fault *get(const image::CellImage *image);

    const FaultRecord &record() const { return record_; }

private:
    void describe(const image::CellImage *image);
    std::string sentence() const;

    FaultRecord record_;
    bool described_ = false;
    std::string function_, file_, backtrace_, text_;
    int line_ = 0;
    sbm_fault fault_{};
};

} // namespace cell::call
