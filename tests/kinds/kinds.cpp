// SPDX-License-Identifier: Apache-2.0
#include "kinds.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <map>
#include <mutex>

#undef sbm_exec
#undef sbm_exec_arguments

namespace kinds {
namespace {

// The modules of instances that have one.
class Registry {
public:
    void set(const struct sbm *sbm, const sbm_module *module)
    {
        const std::lock_guard lock(mutex_);
        if (module)
            modules_[sbm] = module;
        else
            modules_.erase(sbm);
    }
    const sbm_module *find(const struct sbm *sbm)
    {
        const std::lock_guard lock(mutex_);
        const auto found = modules_.find(sbm);
        return found == modules_.end() ? nullptr : found->second;
    }

private:
    std::mutex mutex_;
    std::map<const struct sbm *, const sbm_module *> modules_;
};
Registry registry;

// The name by which a module exports the program's function, "" for an address of none.
std::string name_of(sbm_func function)
{
    const std::string thunk = "__sbm_thunk_";
    Dl_info info{};
    void *address = reinterpret_cast<void *>(function);
    if (!::dladdr(address, &info) || !info.dli_sname || info.dli_saddr != address)
        return "";
    const std::string name = info.dli_sname;
    return name.rfind(thunk, 0) == 0 ? name.substr(thunk.size()) : name;
}

sbm_func translate(const struct sbm *sbm, sbm_func function)
{
    const sbm_module *module = registry.find(sbm);
    const std::string name = module ? name_of(function) : "";
    if (name.empty())
        return function; // which a module refuses
    char reason[256] = "";
    const sbm_func found =
        sbm_module_function(module, name.c_str(), nullptr, reason, sizeof reason);
    EXPECT_NE(found, nullptr) << reason;
    return found;
}

} // namespace

Instance::Instance(std::span<const std::byte> file, const sbm_options &options) : is_module_(true)
{
    char reason[512] = "";
    module_.reset(sbm_module_load_bytes(file.data(), file.size(), &options, reason, sizeof reason),
                  sbm_module_unload);
    reason_ = reason;
    make_of_module();
}

Instance::Instance(const Instance &other, const sbm_options &options)
    : module_(other.module_), is_module_(other.is_module_), reason_(other.reason_)
{
    if (is_module_)
        make_of_module();
    else
        sbm_init_with(&sbm_, &options);
}

Instance::~Instance()
{
    registry.set(&sbm_, nullptr);
    sbm_destroy(&sbm_);
}

void Instance::make_of_module()
{
    sbm_init_module(&sbm_, module_.get());
    registry.set(&sbm_, module_.get());
}

std::string Instance::error() const
{
    return reason_.empty() ? sbm_error_text(&sbm_) : reason_;
}

} // namespace kinds

extern "C" int kinds_exec(struct sbm *sbm, sbm_func function, void *data)
{
    return sbm_exec(sbm, kinds::translate(sbm, function), data);
}

extern "C" int kinds_exec_arguments(struct sbm *sbm, sbm_func function, const void *arguments,
                                    size_t size)
{
    return sbm_exec_arguments(sbm, kinds::translate(sbm, function), arguments, size);
}
