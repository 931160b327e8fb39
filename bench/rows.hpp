// SPDX-License-Identifier: Apache-2.0
//
// The rows of a level's table: each is measured when it is added, and shown when the next
// one is, or at the end. Until then it may be completed.
#pragma once

#include "figures.hpp"
#include "standard.hpp"

#include <optional>
#include <string>

namespace bench {

struct Row {
    std::string name;
    Operation operation;
    Floor floor;
    Effort effort{20, 5};
    double aim = 0; // a multiple of the floor; 0 is none
    Unit unit = Unit::time;
    Floor peer{}; // what else does the same
};

class Rows {
public:
    Rows(std::string level, const Options &options) : level_(std::move(level)), options_(options) {}
    ~Rows() { show_last(); }
    Rows(const Rows &) = delete;
    Rows &operator=(const Rows &) = delete;

    const std::string &level() const { return level_; }
    bool is_quick() const { return options_.quick; }
    // Says what is being measured.
    void tell(const std::string &name);

    Figure &add(const Row &row);
    // The aim of a reset is twice the copy of what was written, and one call.
    Figure &add_reset(const std::string &name, const Operation &reset, const Operation &copy,
                      const Operation &call);
    // Something that was measured elsewhere.
    Figure &add(Figure figure);

private:
    Effort adjusted(Effort effort) const;
    void show_last();

    const std::string level_;
    const Options &options_;
    std::optional<Figure> last_;
};

} // namespace bench
