// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include <sbm/sandbox.hpp>

#include <memory>
#include <vector>

namespace bench {
namespace {

int nothing()
{
    return 0;
}

int first_byte(sbm::In<char> in, sbm::Out<char> out)
{
    out[0] = in[0];
    return 0;
}

std::shared_ptr<sbm::Sandbox> make(const std::string &level)
{
    sbm_level wanted = SBM_LEVEL_NONE;
    sbm_level_from_name(level.c_str(), &wanted);
    auto sandbox = sbm::Sandbox::create({.level = static_cast<sbm::Level>(wanted)});
    return sandbox ? std::make_shared<sbm::Sandbox>(std::move(*sandbox)) : nullptr;
}

} // namespace

Operation cpp_null_call(const std::string &level)
{
    const int repeat = level == "none" || level == "weak" ? 100 : 1;
    return [sandbox = make(level), repeat] {
        bool done = sandbox != nullptr;
        if (!done)
            return -1.0;
        const double time = time_of([&] { done = done && sandbox->call(nothing); }, repeat);
        return done ? time : -1;
    };
}

Operation cpp_copy_call(const std::string &level, std::size_t size)
{
    struct Buffers {
        std::vector<char> in;
        sbm::Untrusted<std::vector<char>> out;
    };
    auto buffers = std::make_shared<Buffers>();
    buffers->in.assign(size, 'x');
    buffers->out.storage().resize(size);
    return [sandbox = make(level), buffers] {
        bool done = sandbox != nullptr;
        if (!done)
            return -1.0;
        const double time = time_of([&] {
            done = static_cast<bool>(sandbox->call(first_byte, buffers->in, buffers->out));
        });
        return done ? time : -1;
    };
}

} // namespace bench
