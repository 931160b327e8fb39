// SPDX-License-Identifier: Apache-2.0
//
// In the cell: what the host must expect of a library that was taken over.
#include "modules/stream/lies.hpp"
#include "modules/stream_cell.hpp"

#include <algorithm>

namespace {

using sbm::In;
using sbm::Out;
using sbm::modules::kEnded;
using sbm::modules::kGoesOn;
using sbm::modules::kRefused;
using sbm::modules::Message;
using sbm::modules::Progress;
using sbm::modules::refuse;
using sbm::modules::test::Lie;

class Liar final : public sbm::modules::Coder {
public:
    int start(Lie lie, Message &message)
    {
        lie_ = lie;
        return lie == Lie::cannot_open ? refuse(message, "no") : 0;
    }

    int step(In<std::byte> input, bool is_last, Out<std::byte> output, Progress &progress,
             Message &message) override
    {
        const std::size_t size = std::min(input.size(), output.size());
        std::copy_n(input.begin(), size, output.begin());
        progress = {size, size};
        switch (lie_) {
        case Lie::consumed_too_much:
            progress.consumed = input.size() + 1;
            break;
        case Lie::produced_too_much:
            progress.produced = ~std::uint64_t{0};
            break;
        case Lie::stands_still:
            progress = {0, 0};
            break;
        case Lie::never_ends:
            return kGoesOn;
        case Lie::has_no_limit:
            progress = {0, output.size()};
            return kGoesOn;
        case Lie::unknown_status:
            return 77;
        case Lie::strange_refusal:
            std::fill(std::begin(message.text), std::end(message.text), '\x1b');
            return -77;
        case Lie::crashes:
            __builtin_trap();
        default:
            break;
        }
        return is_last ? kEnded : kGoesOn;
    }

private:
    Lie lie_ = Lie::none;
};

} // namespace

namespace sbm::modules::test {

int open_liar(int lie, Out<Message> message)
{
    return open<Liar>(*message, static_cast<Lie>(lie));
}
SBM_EXPORT(open_liar);

} // namespace sbm::modules::test
