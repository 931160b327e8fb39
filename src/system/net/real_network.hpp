// SPDX-License-Identifier: Apache-2.0
//
// The network of this machine.
#pragma once

#include "system/net/network.hpp"

namespace cell::system::net {

// Names are resolved by a process of their own, which is started with the first one. It asks
// `servers`, "192.0.2.1:53,…", or if that is empty who this machine asks. A test can have started
// it before.
class Resolver;
std::unique_ptr<Network> make_real_network(std::string servers,
                                           std::shared_ptr<Resolver> resolver = nullptr);

} // namespace cell::system::net
