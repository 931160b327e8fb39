// SPDX-License-Identifier: Apache-2.0
//
// Two kinds of code run in cells: functions of the program, in place, and functions of
// modules. A suite of functions with thunks (SBM_DEFINE_THUNK) runs as both: a module is
// made of the same sources and exports each of them, and here calls find them by name.
//
// Include this before the header that defines the suite's calls.
#pragma once

#include "kind.hpp"

#include <sbm/sbm.h>

#include <memory>
#include <span>
#include <string>

namespace kinds {

// As functions of the program are called in an instance of the kind `in_place`, those of
// the module with the same names are called in one of the other kind.
class Instance {
public:
    explicit Instance(const sbm_options &options);
    // From the module in `file`. If it does not start, every call is misuse, and `error`
    // says why.
    Instance(std::span<const std::byte> file, const sbm_options &options);
    // One more, from the same module if there is one.
    Instance(const Instance &other, const sbm_options &options);
    ~Instance();
    Instance(const Instance &) = delete;
    Instance &operator=(const Instance &) = delete;

    struct sbm *get() { return &sbm_; }
    bool is_module() const { return is_module_; }
    std::string error() const;

private:
    struct sbm sbm_ {};
    bool is_module_ = false;
    std::string reason_; // why the module did not start
};

// For tests of instances' own beginning and end: as sbm_init_with. The module of such an
// instance is unloaded by sbm_destroy.
int init(struct sbm *sbm, const sbm_options &options);
int init(struct sbm *sbm, std::span<const std::byte> file, const sbm_options &options,
         std::string *reason = nullptr);

} // namespace kinds

extern "C" {
void kinds_destroy(struct sbm *sbm);
int kinds_exec(struct sbm *sbm, sbm_func function, void *data);
int kinds_exec_arguments(struct sbm *sbm, sbm_func function, const void *arguments, size_t size);
}
#define sbm_destroy kinds_destroy
#define sbm_exec kinds_exec
#define sbm_exec_arguments kinds_exec_arguments
