// SPDX-License-Identifier: Apache-2.0
#include "kinds.hpp"

#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <map>
#include <mutex>

#undef sbm_destroy
#undef sbm_exec
#undef sbm_exec_arguments

namespace kinds {
namespace {

using Module = std::shared_ptr<sbm_module>;

// The modules of instances that have one.
class Registry {
public:
    void set(const struct sbm *sbm, const Module &module)
    {
        const std::lock_guard lock(mutex_);
        modules_[sbm] = module;
    }
    void forget(const struct sbm *sbm)
    {
        const std::lock_guard lock(mutex_);
        modules_.erase(sbm);
    }
    Module find(const struct sbm *sbm)
    {
        const std::lock_guard lock(mutex_);
        const auto found = modules_.find(sbm);
        return found == modules_.end() ? nullptr : found->second;
    }

private:
    std::mutex mutex_;
    std::map<const struct sbm *, Module> modules_;
};
Registry registry;

Module load(std::span<const std::byte> file, const sbm_options &options, std::string &reason)
{
    // Constructors run within the limits of calls, and some tests set these tight.
    constexpr int kAttempts = 20;
    char text[512] = "";
    Module module;
    for (int i = 0; i < kAttempts && !module; i++) {
        module.reset(sbm_module_load_bytes(file.data(), file.size(), &options, text, sizeof text),
                     sbm_module_unload);
        if (!module && !std::strstr(text, "used up its"))
            break;
    }
    reason = module ? "" : text;
    return module;
}

int init_from(struct sbm *sbm, const Module &module)
{
    const int result = sbm_init_module(sbm, module.get());
    registry.set(sbm, module);
    return result;
}

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
    const Module module = registry.find(sbm);
    const std::string name = module ? name_of(function) : "";
    if (name.empty())
        return function; // which a module refuses
    char reason[256] = "";
    const sbm_func found =
        sbm_module_function(module.get(), name.c_str(), nullptr, reason, sizeof reason);
    EXPECT_NE(found, nullptr) << reason;
    return found;
}

} // namespace

Instance::Instance(const sbm_options &options)
{
    init(&sbm_, options);
}

Instance::Instance(std::span<const std::byte> file, const sbm_options &options) : is_module_(true)
{
    init(&sbm_, file, options, &reason_);
}

Instance::Instance(const Instance &other, const sbm_options &options)
    : is_module_(other.is_module_), reason_(other.reason_)
{
    if (is_module_)
        init_from(&sbm_, registry.find(&other.sbm_));
    else
        init(&sbm_, options);
}

Instance::~Instance()
{
    kinds_destroy(&sbm_);
}

std::string Instance::error() const
{
    return reason_.empty() ? sbm_error_text(&sbm_) : reason_;
}

int init(struct sbm *sbm, const sbm_options &options)
{
    registry.forget(sbm);
    return sbm_init_with(sbm, &options);
}

int init(struct sbm *sbm, std::span<const std::byte> file, const sbm_options &options,
         std::string *reason)
{
    std::string unused;
    return init_from(sbm, load(file, options, reason ? *reason : unused));
}

} // namespace kinds

extern "C" void kinds_destroy(struct sbm *sbm)
{
    sbm_destroy(sbm);
    kinds::registry.forget(sbm);
}

extern "C" int kinds_exec(struct sbm *sbm, sbm_func function, void *data)
{
    return sbm_exec(sbm, kinds::translate(sbm, function), data);
}

extern "C" int kinds_exec_arguments(struct sbm *sbm, sbm_func function, const void *arguments,
                                    size_t size)
{
    return sbm_exec_arguments(sbm, kinds::translate(sbm, function), arguments, size);
}
