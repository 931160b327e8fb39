// SPDX-License-Identifier: Apache-2.0
#include "floors.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

namespace bench {
namespace {

// Two threads that write to one line in turns: odd words are questions, and each is
// answered by the even one below it. The other thread sleeps while nobody measures.
class PingPong {
public:
    explicit PingPong(int processor) : other_([this, processor] { answer(processor); }) {}
    ~PingPong()
    {
        ask(kEnd, true);
        other_.join();
    }
    PingPong(const PingPong &) = delete;
    PingPong &operator=(const PingPong &) = delete;

    // Nanoseconds of one question and its answer.
    double measure()
    {
        constexpr int kWarm = 100, kRepeat = 1000;
        ask(0, true);
        time_of([this] { ask(0); }, kWarm);
        const double time = time_of([this] { ask(0); }, kRepeat);
        ask(kSleep);
        return time;
    }

private:
    using Word = std::uint32_t;
    static constexpr Word kSleep = Word{1} << 31, kEnd = Word{1} << 30; // after the answer

    // Looking without a pause finds the answer soonest.
    void ask(Word order, bool is_asleep = false)
    {
        count_ = (count_ + 2) % kEnd;
        const Word question = count_ | 1 | order;
        line_.store(question, std::memory_order_release);
        if (is_asleep)
            line_.notify_one();
        while (line_.load(std::memory_order_acquire) == question) {
        }
    }

    void answer(int processor)
    {
        pin_to(processor);
        Word question = kSleep, answer = 0;
        while (!(question & kEnd)) {
            if (question & kSleep)
                line_.wait(answer, std::memory_order_acquire);
            while ((question = line_.load(std::memory_order_acquire)) == answer) {
            }
            answer = question & ~Word{1};
            line_.store(answer, std::memory_order_release);
        }
    }

    alignas(64) std::atomic<Word> line_{0};
    alignas(64) Word count_ = 0;
    std::thread other_; // last: it uses what is above
};

} // namespace

Operation cache_line()
{
    const std::vector<int> all = processors();
    if (all.size() < 2)
        return {};
    return [pair = std::make_shared<PingPong>(all[1])] { return pair->measure(); };
}

} // namespace bench
