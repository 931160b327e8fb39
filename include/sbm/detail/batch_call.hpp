// SPDX-License-Identifier: Apache-2.0
//
// How Sandbox::call_many turns typed calls into bytes. Nothing here is for users.
#ifndef SBM_DETAIL_BATCH_CALL_HPP
#define SBM_DETAIL_BATCH_CALL_HPP

#include <exception>
#include <tuple>
#include <vector>

#include <sbm/detail/batch.hpp>

namespace sbm::detail {

// One call in the buffer that goes into the cell and back.
template <class R, class... P> struct BatchEntry {
    long word;
    Arguments<R, P...> arguments;
};

template <class R, class... P, class Tuples>
Result<std::vector<Untrusted<R>>> call_many_throwing(Core &core, Thunk thunk, R (*function)(P...),
                                                     Tuples &calls)
{
    static_assert(!std::is_void_v<R> && std::is_trivially_copyable_v<R> && fits_register<R>,
                  "sbm: functions of a batch give a value of eight bytes at most");
    using Entry = BatchEntry<R, P...>;
    constexpr std::size_t kBuffers = (std::size_t{is_buffer<P>} + ... + 0);
    Thunk batch = run_batch;
    if (!find_batch(core, batch))
        return Error(Errc::not_available, "the module was linked without batches");
    const std::size_t count = std::size(calls);
    std::vector<unsigned char> entries(count * sizeof(Entry));
    std::vector<Transfer> transfers(count * kBuffers + 1);
    std::size_t used = 0;
    for (auto &call : calls)
        std::apply(
            [&](auto &...arguments) { (add_transfer<P>(transfers.data(), used, arguments), ...); },
            call);
    transfers[used] = {entries.data(), entries.data(), entries.size(), alignof(Entry)};
    if (auto acquired = acquire(core, transfers); !acquired)
        return acquired.error();
    std::size_t number = 0;
    for (auto &call : calls) {
        auto references =
            std::apply([](auto &...arguments) { return std::tie(arguments...); }, call);
        Entry entry{0,
                    {function, nullptr,
                     make_pack<P...>(transfers.data() + number * kBuffers, references,
                                     std::index_sequence_for<P...>())}};
        SBM_CLEAR_PADDING_(&entry); // it holds what the stack held before
        std::memcpy(entries.data() + number++ * sizeof entry, &entry, sizeof entry);
    }
    const BatchOrder order{thunk, static_cast<unsigned char *>(transfers[used].address), count,
                           sizeof(Entry), offsetof(Entry, arguments)};
    if (auto done = execute(core, batch, &order, sizeof order, transfers); !done)
        return done.error();
    std::vector<Untrusted<R>> results;
    for (std::size_t i = 0; i < count; i++) {
        R value;
        std::memcpy(&value, entries.data() + i * sizeof(Entry), sizeof value);
        results.emplace_back(value);
    }
    return results;
}

template <class R, class... P, class Tuples>
Result<std::vector<Untrusted<R>>> call_many(Core &core, Thunk thunk, R (*function)(P...),
                                            Tuples &calls) noexcept
{
    try {
        return call_many_throwing<R, P...>(core, thunk, function, calls);
    } catch (const std::exception &) {
        return Error(Errc::no_memory, "the program has no memory left");
    }
}

} // namespace sbm::detail

#endif
