// SPDX-License-Identifier: Apache-2.0
#include "crew.hpp"

#include <atomic>
#include <barrier>
#include <memory>
#include <thread>

namespace bench {
namespace {

class Crew {
public:
    Crew(const std::vector<int> &places, const std::function<Operation()> &make, int each)
        : each_(each), times_(places.size()),
          start_(static_cast<std::ptrdiff_t>(places.size()) + 1),
          end_(static_cast<std::ptrdiff_t>(places.size()) + 1)
    {
        for (std::size_t i = 0; i < places.size(); i++)
            threads_.emplace_back([this, &make, i, place = places[i]] {
                pin_to(place);
                work(make(), times_[i]);
            });
        end_.arrive_and_wait(); // everybody is ready
    }
    ~Crew()
    {
        is_over_ = true;
        start_.arrive_and_wait();
        for (std::thread &thread : threads_)
            thread.join();
    }
    Crew(const Crew &) = delete;
    Crew &operator=(const Crew &) = delete;

    bool works() const { return !has_failed_; }

    double run()
    {
        start_.arrive_and_wait();
        end_.arrive_and_wait();
        if (has_failed_)
            return -1;
        double rate = 0; // operations per nanosecond
        for (const double time : times_)
            rate += each_ / time;
        return 1 / rate;
    }

private:
    void work(const Operation &operation, double &time)
    {
        if (!operation)
            has_failed_ = true;
        for (;;) {
            end_.arrive_and_wait();
            start_.arrive_and_wait();
            if (is_over_)
                return;
            time = 0;
            for (int i = 0; i < each_ && !has_failed_; i++) {
                const double passed = operation();
                if (passed < 0)
                    has_failed_ = true;
                time += passed;
            }
        }
    }

    const int each_;
    std::vector<double> times_;
    std::barrier<> start_, end_;
    std::atomic<bool> has_failed_{false}, is_over_{false};
    std::vector<std::thread> threads_;
};

} // namespace

Operation crew(std::size_t threads, const std::function<Operation()> &make, int each)
{
    std::vector<int> places = processors();
    if (places.size() < threads)
        return {};
    places.resize(threads);
    auto made = std::make_shared<Crew>(places, make, each);
    if (!made->works())
        return {};
    return [made] { return made->run(); };
}

} // namespace bench
