// SPDX-License-Identifier: Apache-2.0
//
// The life of an app: a cell of its module, services as its policy says, and one call of its
// `main`.
#include <sbm/app.hpp>

#include "call/core.hpp"
#include "call/module.hpp"
#include "os/clock.hpp"
#include "os/files.hpp"
#include "supervisor/services.hpp"
#include "system/system.hpp"

namespace sbm {
namespace {

using cell::system::Services;

class App {
public:
    App(const Policy &policy, const AppOptions &options) : policy_(policy), options_(options) {}

    Result<AppEnd> run(const std::string &path)
    {
        CELL_TRY(const auto file, cell::image::ModuleFile::load(path));
        if (!file->main())
            return cell::error(Errc::misuse, "%.150s is a module, and no app: it has no main",
                               path.c_str());
        CELL_TRY(Services services, make_services());
        cell::system::System system(std::move(services));
        CELL_TRY(const auto module, cell::call::Module::load(file, limits()));
        CELL_TRY(auto instance, cell::call::Instance::create(*module, limits()));
        CELL_CHECK(instance->set_system(system));
        CELL_CHECK(instance->enter());
        const auto result = instance->execute(
            reinterpret_cast<cell::call::Function>(module->main()), nullptr, 0, {});
        if (const auto status = system.exit_status()) {
            end_.status = *status;
            end_.calls = system.calls();
            return end_;
        }
        return result ? cell::error(Errc::fault, "the app came back without having ended")
                      : ended_otherwise(*instance, result.error());
    }

private:
    sbm_options limits() const
    {
        Options options;
        options.level = options_.level;
        options.memory = policy_.memory;
        options.stack = std::size_t{8} << 20;
        options.cpu_time = policy_.cpu_time;
        options.wall_time = policy_.wall_time;
        return detail::plain_options(options);
    }

    Result<Services> make_services()
    {
        CELL_TRY(Services services, cell::supervisor::services_of(policy_));
        services.arguments = options_.arguments;
        services.log = [this](int stream, std::string_view text) { write(stream, text); };
        services.denied = [this](const cell::system::Denial &denial) {
            end_.denied++;
            if (options_.denied)
                options_.denied({denial.call, denial.argument, denial.reason, denial.would_allow});
        };
        if (options_.trace)
            services.trace = [this](const cell::system::Traced &traced) {
                options_.trace(std::string(traced.call) + "(" + traced.text +
                               ") = " + cell::system::status_name(traced.status));
            };
        return services;
    }

    void write(int stream, std::string_view text)
    {
        const std::string_view kept = text.substr(0, std::min(text.size(), policy_.log - written_));
        written_ += kept.size();
        end_.log_lost += text.size() - kept.size();
        if (options_.output && !kept.empty())
            options_.output(stream, kept);
    }

    // With the place in its code, if there is one.
    static Error ended_otherwise(cell::call::Instance &instance, const Error &error)
    {
        const Fault *fault = instance.fault();
        return fault ? Error(error.code(), std::string("the app was ended: ") + fault->text)
                     : error;
    }

    const Policy &policy_;
    const AppOptions &options_;
    AppEnd end_;
    std::uint64_t written_ = 0;
};

} // namespace

Result<AppEnd> run_app(const std::string &file, const Policy &policy,
                       const AppOptions &options) noexcept
{
    return cell::without_throwing([&] { return App(policy, options).run(file); });
}

} // namespace sbm
