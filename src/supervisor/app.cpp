// SPDX-License-Identifier: Apache-2.0
//
// The life of an app: a cell of its module, services as its policy says, and one call of its
// `main`.
#include "supervisor/app.hpp"

#include "call/cell.hpp"
#include "call/core.hpp"
#include "call/module.hpp"
#include "call/options.hpp"
#include "image/template_file.hpp"
#include "os/clock.hpp"
#include "os/event.hpp"
#include "supervisor/audit.hpp"
#include "supervisor/gate.hpp"
#include "supervisor/run_log.hpp"
#include "supervisor/services.hpp"
#include "system/system.hpp"

#include <algorithm>
#include <optional>

namespace sbm {
namespace {

using cell::supervisor::Recorder;
using cell::system::Services;

using cell::supervisor::Ground;
using File = std::shared_ptr<const cell::image::ModuleFile>;

Result<File> load_file(const std::string &path)
{
    CELL_TRY(auto file, cell::image::ModuleFile::load(path));
    if (!file->main())
        return cell::error(Errc::misuse, "%.150s is a module, and no app: it has no main",
                           path.c_str());
    return file;
}

// Cells of apps run in a process that has nothing else, at either level. See find_strong_host.
Result<Ground> choose_ground(Level level, const std::function<Result<void>()> &meanwhile)
{
    Ground ground; // whose meter begins here
    if (level == Level::none) {
        ground.level = SBM_LEVEL_NONE;
        CELL_TRY(ground.host, cell::backend::find_open_process());
        if (meanwhile)
            CELL_CHECK(meanwhile());
        return ground;
    }
    CELL_TRY(auto found, cell::call::find_strong_host(static_cast<sbm_level>(level),
                                                      cell::call::find_confined_host, meanwhile));
    ground.level = found.level;
    ground.host = std::move(found.host);
    return ground;
}

// One run of an app, or of a record.
class Run {
public:
    Run(const Policy &policy, const AppOptions &options, Ground ground)
        : policy_(policy), options_(options), level_(ground.level), host_(std::move(ground.host)),
          rate_(ground.meter.rate()),
          audit_(options.audit, options.audit_bytes, cell::os::realtime_ns)
    {
        // Who debugs an app takes time.
        if (is_open())
            policy_.cpu_time = policy_.wall_time = no_limit;
    }

    // `path` is what the audit log calls it.
    Result<AppEnd> run(const std::string &path, File file)
    {
        audit_.start({path, file->content(), options_.policy_name, sbm_level_name(level_)});
        const auto ended = cell::without_throwing([&] { return run_file(std::move(file)); });
        audit_.end(end_, ended ? nullptr : &ended.error());
        end_.audit_lost = audit_.lost();
        if (options_.ended)
            options_.ended(end_);
        return ended ? Result<AppEnd>(std::move(end_)) : ended.error();
    }

    Result<AppEnd> replay(const std::string &path)
    {
        CELL_TRY(const auto file, cell::os::open_for_reading(path));
        constexpr std::size_t kLargest = std::size_t{4} << 30;
        CELL_TRY(const auto bytes, cell::os::read_all(file.get(), kLargest));
        cell::supervisor::RunLogReader log(bytes);
        CELL_TRY(const auto start, log.start());
        CELL_TRY(auto state, cell::image::parse_template(start));
        if (!state->file->main())
            return cell::error(Errc::misuse, "the record is of no app");
        CELL_TRY(const auto module,
                 cell::call::Module::adopt(std::move(state), limits(), {host_, options_.stop}));
        cell::supervisor::Player player(log);
        const auto ended = run_module(module, &player);
        if (options_.ended)
            options_.ended(end_);
        if (player.ended())
            return *player.ended();
        return ended ? Result<AppEnd>(std::move(end_)) : ended.error();
    }

private:
    bool is_open() const { return level_ == SBM_LEVEL_NONE; }

    Result<void> run_file(std::shared_ptr<const cell::image::ModuleFile> file)
    {
        if (options_.record.empty())
            return run_cell(file->main(), nullptr, [&](cell::call::SystemCalls &system) {
                return cell::call::Instance::begin(file, limits(), {host_, options_.stop, rate_},
                                                   system);
            });
        // A record begins with what the constructors have left.
        CELL_TRY(const auto module,
                 cell::call::Module::load(std::move(file), limits(), {host_, options_.stop}));
        CELL_TRY(const auto state, cell::image::template_bytes(*module->start_state()));
        CELL_TRY(auto recorder, Recorder::create(options_.record, state));
        const auto ended = run_module(module, &recorder);
        CELL_CHECK(recorder.finish(ended ? "exit " + std::to_string(end_.status)
                                         : std::string(ended.error().text())));
        return ended;
    }

    Result<void> run_module(const std::shared_ptr<const cell::call::Module> &module,
                            cell::system::Tape *tape)
    {
        return run_cell(module->file().main(), tape, [&](cell::call::SystemCalls &system) {
            return cell::call::Instance::create(*module, module->options(), &system);
        });
    }

    // Calls `main`, which is at that address in the file, in the cell that `make` makes.
    template <class Make>
    Result<void> run_cell(std::uint64_t main, cell::system::Tape *tape, const Make &make)
    {
        if (options_.counters)
            options_.counters->level.store(level_);
        CELL_TRY(const auto stop, cell::os::Event::create());
        CELL_TRY(Services services, make_services(stop.descriptor()));
        services.tape = tape;
        cell::system::System system(std::move(services));
        cell::supervisor::Gate gate(system, policy_.calls_per_second, options_.counters,
                                    options_.stop);
        CELL_TRY(const std::unique_ptr<cell::call::Instance> instance, make(gate));
        CELL_CHECK(instance->enter());
        if (options_.spin.count() > 0)
            CELL_CHECK(instance->set_spin(static_cast<std::uint64_t>(options_.spin.count())));
        if (options_.counters)
            gate.set_begun([&] { options_.counters->cell_process.store(instance->process_id()); });
        if (is_open() && options_.debug)
            options_.debug({instance->process_id(), instance->bias()});
        system.begin();
        const auto result = call_main(*instance, main + instance->bias(), stop);
        if (options_.counters) // whose id may soon be another's
            options_.counters->cell_process.store(0);
        count(system, gate);
        if (const auto status = system.exit_status()) {
            end_.status = *status;
            return {};
        }
        if (const char *failure = system.failure())
            return cell::error(Errc::fault, "the app was ended: %s", failure);
        return result ? cell::error(Errc::fault, "the app came back without having ended")
                      : ended_otherwise(*instance, result.error());
    }

    // A call that waits ends first, and then nothing follows it.
    Result<long> call_main(cell::call::Instance &instance, std::uint64_t main,
                           const cell::os::Event &stop)
    {
        const std::stop_callback on_stop(options_.stop, [&] {
            instance.cancel();
            stop.set();
        });
        began_ = cell::os::monotonic_ns();
        return instance.execute(reinterpret_cast<cell::call::Function>(main), nullptr, 0, {});
    }

    void count(const cell::system::System &system, const cell::supervisor::Gate &gate)
    {
        end_.calls = system.calls();
        end_.delayed = gate.delayed();
        if (policy_.network) {
            end_.network_bytes = policy_.network->bytes - system.network().bytes_left;
            end_.connections = policy_.network->connections - system.network().connections_left;
        }
        for (const cell::system::Root &root : system.roots()) {
            const auto files = std::find_if(policy_.files.begin(), policy_.files.end(),
                                            [&](const auto &one) { return one.name == root.name; });
            if (files != policy_.files.end())
                end_.files.push_back(
                    {root.name, files->bytes - root.bytes_left, files->files - root.files_left});
        }
    }

    sbm_options limits() const
    {
        Options options;
        options.level = is_open() ? Level::process : static_cast<Level>(level_);
        options.memory = policy_.memory;
        options.stack = std::size_t{8} << 20;
        options.cpu_time = policy_.cpu_time;
        options.wall_time = policy_.wall_time;
        return detail::plain_options(options);
    }

    Result<Services> make_services(int stop)
    {
        CELL_TRY(Services services, cell::supervisor::services_of(policy_, stop));
        services.arguments = options_.arguments;
        services.log = [this](int stream, std::string_view text) { write(stream, text); };
        services.denied = [this](const cell::system::Denial &denial) { tell(denial); };
        if (options_.needed)
            services.needed = [this](const cell::system::Need &need) {
                options_.needed({need.call, need.argument, need.section, need.key, need.value,
                                 need.in_list, need.granted});
            };
        if (options_.trace)
            services.trace = [this](const cell::system::Traced &traced) { tell(traced); };
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

    void tell(const cell::system::Denial &denial)
    {
        end_.denied++;
        if (options_.counters)
            options_.counters->denied.fetch_add(1, std::memory_order_relaxed);
        audit_.denied(denial);
        if (options_.denied)
            options_.denied({denial.call, denial.argument, denial.reason, denial.would_allow});
    }

    void tell(const cell::system::Traced &traced)
    {
        TracedCall call;
        call.call = traced.call;
        for (const cell::system::TracedParameter &parameter : traced.parameters)
            call.parameters.push_back({parameter.name, parameter.text, parameter.is_number});
        call.status = cell::system::status_name(traced.status);
        call.results = traced.results;
        call.began = std::chrono::nanoseconds(traced.began - std::min(traced.began, began_));
        call.took = std::chrono::nanoseconds(traced.took);
        options_.trace(call);
    }

    // With the place in its code, if there is one.
    static Error ended_otherwise(cell::call::Instance &instance, const Error &error)
    {
        const Fault *fault = instance.fault();
        return fault ? Error(error.code(), std::string("the app was ended: ") + fault->text)
                     : error;
    }

    Policy policy_;
    const AppOptions &options_;
    const sbm_level level_;
    const std::shared_ptr<cell::backend::Host> host_;
    const cell::os::TickRate rate_;
    cell::supervisor::Audit audit_;
    AppEnd end_;
    std::uint64_t written_ = 0;
    std::uint64_t began_ = 0; // main, by the monotonic clock
};

} // namespace

std::string TracedCall::line() const
{
    std::string text = call + "(";
    for (const Parameter &parameter : parameters)
        text +=
            (&parameter == parameters.data() ? "" : ", ") + parameter.name + " " + parameter.text;
    text += ") = " + status;
    for (const std::uint64_t result : results)
        text += " " + std::to_string(result);
    return text;
}

struct App::State {
    std::string path;
    File file;
    Ground ground;
};

Result<App> App::begin_load(const std::string &file, Level level)
{
    auto state = std::make_shared<State>();
    state->path = file;
    CELL_TRY(state->ground, choose_ground(level, [&]() -> Result<void> {
                 CELL_TRY(state->file, load_file(file));
                 return {};
             }));
    return App(std::move(state));
}

Result<App> App::load(const std::string &file, Level level) noexcept
{
    return cell::without_throwing([&]() -> Result<App> {
        CELL_TRY(App app, begin_load(file, level));
        CELL_CHECK(app.state_->ground.host->confirm());
        return app;
    });
}

Level App::level() const noexcept
{
    return static_cast<Level>(state_->ground.level);
}

Result<AppEnd> App::run(const Policy &policy, const AppOptions &options) const noexcept
{
    return cell::without_throwing([&]() -> Result<AppEnd> {
        const std::shared_ptr<const State> state = state_;
        if (options.level != Level::strongest && options.level != level())
            return cell::error(Errc::misuse, "the app was loaded for the level %s",
                               sbm_level_name(state->ground.level));
        return Run(policy, options, state->ground).run(state->path, state->file);
    });
}

Result<AppEnd> run_app(const std::string &file, const Policy &policy,
                       const AppOptions &options) noexcept
{
    return cell::without_throwing([&]() -> Result<AppEnd> {
        CELL_TRY(const App app, App::begin_load(file, options.level));
        return app.run(policy, options);
    });
}

Result<AppEnd> detail::run_app_on(const std::string &file, const Policy &policy,
                                  const AppOptions &options, Ground ground) noexcept
{
    return cell::without_throwing([&]() -> Result<AppEnd> {
        CELL_TRY(auto loaded, load_file(file));
        return Run(policy, options, std::move(ground)).run(file, std::move(loaded));
    });
}

Result<AppEnd> replay_app(const std::string &record, const AppOptions &options) noexcept
{
    return cell::without_throwing([&]() -> Result<AppEnd> {
        if (options.level == Level::none)
            return cell::error(Errc::misuse, "a record is played in a cell: anybody can have "
                                             "written it");
        Policy policy; // of nothing: who answers is the record
        policy.log = UINT64_MAX;
        policy.handles = UINT64_MAX;
        CELL_TRY(Ground ground, choose_ground(options.level, {}));
        return Run(policy, options, std::move(ground)).replay(record);
    });
}

} // namespace sbm
