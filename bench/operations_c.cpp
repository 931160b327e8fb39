// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include <sbm/sbm.h>

#include <cstdlib>
#include <memory>
#include <vector>

namespace {

SBM_DEFINE_FUNC(bench_nothing)
{
    return 0;
}

SBM_DEFINE_FUNC(bench_first_byte, const char *, in, char *, out)
{
    out[0] = in[0];
    return 0;
}

SBM_DEFINE_FUNC(bench_fault)
{
    __builtin_trap();
    return 0;
}

SBM_DEFINE_FUNC(bench_dirty, size_t, pages)
{
    constexpr size_t kPage = 4096;
    auto *memory = static_cast<volatile char *>(std::malloc(pages * kPage));
    if (!memory)
        return -1;
    for (size_t i = 0; i < pages; i++)
        memory[i * kPage] = 1;
    return 0;
}

// An instance, and the caller's buffers that are registered with it.
struct Instance {
    explicit Instance(const std::string &level)
    {
        sbm_options options{};
        enum sbm_level wanted = SBM_LEVEL_NONE;
        sbm_level_from_name(level.c_str(), &wanted);
        options.level = wanted;
        sbm_init_with(&sbm, &options);
    }
    ~Instance() { sbm_destroy(&sbm); }
    Instance(const Instance &) = delete;
    Instance &operator=(const Instance &) = delete;

    struct sbm sbm;
    std::vector<char> in, out;
};

bench::Operation checked(std::shared_ptr<Instance> instance, std::function<double(Instance &)> work)
{
    return [instance = std::move(instance), work = std::move(work)] {
        const double time = work(*instance);
        return sbm_error(&instance->sbm) ? -1 : time;
    };
}

} // namespace

namespace bench {

std::string missing(const std::string &level)
{
    Instance instance(level);
    sbm_call(&instance.sbm, bench_nothing);
    return sbm_error_text(&instance.sbm);
}

Operation c_create(const std::string &level)
{
    return [level] {
        int error = 0;
        const double time = time_of([&] {
            Instance instance(level);
            sbm_call(&instance.sbm, bench_nothing);
            error = sbm_error(&instance.sbm);
        });
        return error ? -1 : time;
    };
}

Operation c_null_call(const std::string &level)
{
    const int repeat = level == "none" || level == "weak" ? 100 : 1;
    return checked(std::make_shared<Instance>(level), [repeat](Instance &instance) {
        return time_of([&] { sbm_call(&instance.sbm, bench_nothing); }, repeat);
    });
}

Operation c_copy_call(const std::string &level, std::size_t size)
{
    auto instance = std::make_shared<Instance>(level);
    instance->in.assign(size, 'x');
    instance->out.assign(size, 0);
    const char *in = SBM_COPY_IN(&instance->sbm, instance->in.data(), size);
    char *out = SBM_COPY_OUT(&instance->sbm, instance->out.data(), size);
    return checked(std::move(instance), [in, out](Instance &i) {
        return time_of([&] { sbm_call(&i.sbm, bench_first_byte, in, out); });
    });
}

Operation c_reset_after_fault(const std::string &level)
{
    return checked(std::make_shared<Instance>(level), [](Instance &instance) {
        sbm_call(&instance.sbm, bench_fault);
        return time_of([&] { sbm_reset(&instance.sbm); });
    });
}

Operation c_reset_after_pages(const std::string &level, std::size_t pages)
{
    return checked(std::make_shared<Instance>(level), [pages](Instance &instance) {
        if (sbm_call(&instance.sbm, bench_dirty, pages) != 0)
            return -1.0;
        return time_of([&] { sbm_reset(&instance.sbm); });
    });
}

} // namespace bench
