// SPDX-License-Identifier: Apache-2.0
//
// Serving a proxy call of a cell.
#pragma once

#include "backend/backend.hpp"
#include "call/arena.hpp"

namespace cell::call {

// Checks the call, copies its arguments once, runs the proxy and copies its outputs
// back. The proxy's value, or why the call is refused (Errc::fault).
Result<std::int64_t> serve_host_call(const backend::HostCall &call, const image::CellImage &image,
                                     const Arena &arena) noexcept;

} // namespace cell::call
