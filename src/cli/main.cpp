// SPDX-License-Identifier: Apache-2.0
//
// The program `sbm`: reads the command line and starts a sub-command.
#include "commands.hpp"

#include <sbm/types.h>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <map>
#include <optional>

namespace {

const std::vector<std::string> kLevels = {"none", "weak", "process", "vm"};
const std::vector<std::string> kStrongLevels = {"process", "vm", "strongest"};

// Its buffers and values come by options that are repeated, in the order of the parameters.
class CallCommand {
public:
    explicit CallCommand(CLI::App &app)
        : app_(app.add_subcommand("call", "Call a function of a module, in a cell"))
    {
        app_->add_option("module", options_.module, "Its file, or the name of one of sbm's own")
            ->required();
        app_->add_option("function", options_.function, "One that it exports")->required();
        add("--in", Kind::in, "FILE: bytes for the next in<…>, or const pointer");
        add("--out", Kind::out,
            "FILE[:SIZE]: where the next out<…> goes, and how many bytes it has (K, M and G are "
            "units). Without SIZE the module is asked by its function FUNCTION_size");
        add("--inout", Kind::inout, "FILE: bytes for the next inout<…>, written back");
        add("--arg", Kind::value,
            "VALUE: the next number or other value. `size`: of the buffer before. hex:…: its "
            "bytes");
        app_->add_option("--level", options_.level, "process, vm or strongest")
            ->check(CLI::IsMember(kStrongLevels))
            ->capture_default_str();
        app_->add_option("--time", options_.seconds, "Seconds that it may take")
            ->check(CLI::Range(0.001, 1e9))
            ->capture_default_str();
        app_->add_option("--memory", options_.mebibytes, "MiB that it may have")
            ->check(CLI::Range(1, 1 << 20))
            ->capture_default_str();
        app_->add_flag("--json", options_.json, "Print JSON");
        app_->footer("Prints the value that is returned; what the module writes goes to standard "
                     "error. `-` is standard input or output.");
    }

    bool is_wanted() const { return app_->parsed(); }

    int run()
    {
        // Of several options, in the order in which they were given.
        std::map<const CLI::Option *, std::size_t> seen;
        for (const CLI::Option *option : app_->parse_order())
            if (const auto kind = kinds_.find(option); kind != kinds_.end())
                options_.arguments.push_back({kind->second, option->results().at(seen[option]++)});
        return cli::call(options_);
    }

private:
    using Kind = cli::CallArgument::Kind;

    void add(const char *name, Kind kind, const char *text)
    {
        CLI::Option *option = app_->add_option(name, texts_[kind], text);
        option->allow_extra_args(false)->type_name("");
        kinds_[option] = kind;
    }

    CLI::App *app_;
    cli::CallOptions options_;
    std::map<const CLI::Option *, Kind> kinds_;
    std::map<Kind, std::vector<std::string>> texts_;
};

// The commands that run apps, and those that look after them.
class AppCommands {
public:
    explicit AppCommands(CLI::App &app)
    {
        add_run(app);
        add_trace(app);
        add_replay(app);
        add_learn(app);
        add_ps(app);
    }

    // The status of the one that is wanted, if it is one of these.
    std::optional<int> run()
    {
        if (run_command_->parsed())
            return cli::run_app(run_);
        if (replay_command_->parsed())
            return cli::run_app(replay_);
        if (trace_command_->parsed())
            return cli::run_app(trace_);
        if (learn_command_->parsed())
            return cli::learn(learn_);
        if (ps_command_->parsed())
            return cli::ps(ps_);
        if (top_command_->parsed())
            return cli::top(top_);
        if (stop_command_->parsed())
            return cli::stop(stop_);
        return std::nullopt;
    }

private:
    template <class Options>
    static CLI::App *add(CLI::App &app, const char *name, const char *text, Options &options,
                         const std::vector<std::string> &levels)
    {
        CLI::App *command = app.add_subcommand(name, text);
        command->add_option("app", options.app, "Its file")->required();
        command->add_option("--policy", options.policy,
                            "What it may do (<sbm/policy.hpp>); nothing if absent");
        command->add_option("--level", options.level, levels_text(levels))
            ->check(CLI::IsMember(levels))
            ->capture_default_str();
        command->add_option("arguments", options.arguments, "The app's, after --");
        return command;
    }
    static std::string levels_text(const std::vector<std::string> &levels)
    {
        return levels.size() > kStrongLevels.size()
                   ? "process, vm or strongest; none is no sandbox, for debuggers"
                   : "process, vm or strongest";
    }

    void add_run(CLI::App &app)
    {
        std::vector<std::string> levels = kStrongLevels;
        levels.emplace_back("none");
        run_command_ =
            add(app, "run", "Run an app in a cell, as far as a policy allows", run_, levels);
        run_command_->add_option("--audit", run_.audit,
                                 "Add start, denials and end to this file, as lines of JSON");
        run_command_->add_option("--name", run_.name,
                                 "What `sbm ps` calls it; the app's if absent");
        run_command_->add_option("--record", run_.record,
                                 "Record all that enters it to this file, for --replay");
        CLI::Option *file = run_command_->get_option("app")->required(false);
        CLI::Option *replay = run_command_->add_option(
            "--replay", run_replay_, "Instead of an app: run again what is recorded there");
        for (const char *other : {"app", "--policy", "--audit", "--record", "arguments"})
            replay->excludes(run_command_->get_option(other));
        run_command_->parse_complete_callback([=, this] {
            if (file->count() == 0 && replay->count() == 0)
                throw CLI::RequiredError("app");
            if (replay->count() > 0) {
                run_.app = run_replay_;
                run_.replays = true;
            }
        });
        run_command_->add_flag("--trace", run_.trace, "Print each system call to standard error");
        run_command_->add_flag("--wait-for-debugger", run_.waits_for_debugger,
                               "At level none: begin when a debugger is attached");
        run_command_
            ->add_option("--spin", run_.spin,
                         "Microseconds that app and supervisor look for each other's words before "
                         "they sleep: faster calls, on two processors. 0 (none), or 100")
            ->check(CLI::Range(0.0, 1e6));
        run_.is_plain_trace = true;
        run_command_->footer(
            "Example: sbm run tool.sbm --policy tool.toml --audit tool.log -- input.txt\n"
            "Exit status: the app's own; 125 if it was not run, or ended otherwise; 130 or 143 if "
            "SIGINT or SIGTERM stopped it (129: SIGHUP).");
    }

    void add_replay(CLI::App &app)
    {
        replay_.replays = replay_.is_plain_trace = true;
        replay_command_ = app.add_subcommand(
            "replay", "Run an app again from a record, without files, network and clocks");
        replay_command_->add_option("record", replay_.app, "What `sbm run --record` wrote")
            ->required();
        replay_command_->add_option("--level", replay_.level, levels_text(kStrongLevels))
            ->check(CLI::IsMember(kStrongLevels));
        replay_command_->add_flag("--trace", replay_.trace,
                                  "Print each system call to standard error");
        replay_command_->footer(
            "Example: sbm run tool.sbm --policy tool.toml --record run.log && sbm replay run.log\n"
            "Exit status: the app's own; 125 if it asked for something else than before, which is "
            "told, or where the record ends.");
    }

    void add_trace(CLI::App &app)
    {
        trace_command_ = add(app, "trace", "Run an app, and print its system calls as they happen",
                             trace_, kStrongLevels);
        trace_.trace = true;
        trace_command_->add_flag("--json", trace_.json, "A JSON object for each call");
        trace_command_->add_option("-o,--output", trace_.trace_file,
                                   "Write them to this file, not to standard error");
        trace_command_->footer("Example: sbm trace tool.sbm --policy tool.toml -o calls.txt\n"
                               "Each line: seconds since the start, the call, its status and "
                               "results, and how long the supervisor took.\n"
                               "Exit status: as `sbm run`.");
    }

    void add_learn(CLI::App &app)
    {
        learn_command_ = add(app, "learn", "Run an app, and write the least policy that it needs",
                             learn_, kStrongLevels);
        learn_command_
            ->add_option("--allow", learn_.allowed,
                         "FOLDER or NAME=FOLDER: it may do everything there, for this run")
            ->type_name("")
            ->allow_extra_args(false);
        learn_command_->add_option("-o,--output", learn_.output, "Where the policy goes")
            ->required();
        learn_command_->add_flag("--with-refused", learn_.with_refused,
                                 "Grant what was refused too, in folders that were named");
        learn_command_->footer(
            "Example: sbm learn tool.sbm --allow data=/srv/tool -o tool.toml -- input.txt\n"
            "Granted is what calls took; what was refused stands there as a comment. Room for "
            "growth is twice what the run took. Read it before you use it.\n"
            "Exit status: 0 if the policy was written; 125 if the app did not end by itself.");
    }

    void add_ps(CLI::App &app)
    {
        ps_command_ = app.add_subcommand("ps", "The apps of this user that are running");
        ps_command_->add_flag("--json", ps_.json, "Print JSON");
        ps_command_->footer("Example: sbm ps --json\nCalls and processor per second are since the "
                            "start; memory is resident, counted once where processes share it.");
        top_command_ = app.add_subcommand("top", "The same, again and again, with current rates");
        top_command_->add_flag("--once", top_.once, "Print once; so it is where no terminal is");
        top_command_->add_option("--seconds", top_.seconds, "Between two looks")
            ->check(CLI::Range(0.1, 3600.0))
            ->capture_default_str();
        top_command_->footer("Example: sbm top --seconds 5");
        stop_command_ = app.add_subcommand("stop", "End a running app");
        stop_command_->add_option("app", stop_.app, "Its name or process id")->required();
        stop_command_->add_option("--seconds", stop_.seconds, "Kill it if it has not ended by then")
            ->check(CLI::Range(0.0, 3600.0))
            ->capture_default_str();
        stop_command_->footer("Example: sbm stop tool\nExit status: 0 if it has ended; 1 if none "
                              "or several are called that; 3 trouble.");
    }

    cli::RunOptions run_, trace_, replay_;
    std::string run_replay_;
    cli::LearnOptions learn_;
    cli::PsOptions ps_;
    cli::TopOptions top_;
    cli::StopOptions stop_;
    CLI::App *run_command_ = nullptr, *trace_command_ = nullptr, *replay_command_ = nullptr,
             *learn_command_ = nullptr;
    CLI::App *ps_command_ = nullptr, *top_command_ = nullptr, *stop_command_ = nullptr;
};

int run(int count, char **arguments)
{
    CLI::App app("Sandbox mode for user space: what it offers, holds and costs on this machine.",
                 "sbm");
    app.set_version_flag("--version", std::string("sbm ") + sbm_version());
    app.require_subcommand(1);
    app.footer("Exit status: 0 success; 1 a promise that does not hold, a file that is no module, "
               "a call that was aborted; 2 wrong usage; 3 trouble.");

    cli::DoctorOptions doctor;
    CLI::App *doctor_command =
        app.add_subcommand("doctor", "Which levels work here, and which promises each keeps");
    doctor_command->add_flag("--json", doctor.json, "Print JSON");

    cli::VerifyOptions verify;
    CLI::App *verify_command =
        app.add_subcommand("verify", "Try to break out of a cell in every known way");
    std::vector<std::string> any_level = kLevels;
    any_level.emplace_back("strongest");
    verify_command->add_option("--level", verify.level, "none, weak, process, vm or strongest")
        ->check(CLI::IsMember(any_level))
        ->capture_default_str();
    verify_command->add_flag("--json", verify.json, "Print JSON");

    cli::ModuleOptions module;
    CLI::App *module_command =
        app.add_subcommand("module", "What a module exports, needs and contains");
    module_command->add_option("file", module.file, "Its file, or the name of one of sbm's own")
        ->required();
    module_command->add_flag("--json", module.json, "Print JSON");

    AppCommands apps(app);

    cli::ExplainOptions explain;
    CLI::App *explain_command =
        app.add_subcommand("explain", "What a policy grants, and what holds an app to it");
    explain_command->add_option("policy", explain.policy, "Its file")->required();
    explain_command->add_flag("--json", explain.json, "Print JSON");

    CLI::App *calls_command = app.add_subcommand("calls", "The system calls that apps can make");

    CallCommand call(app);
#ifdef SBM_WITH_BENCH
    cli::BenchOptions bench;
    CLI::App *bench_command =
        app.add_subcommand("bench", "Measure each operation beside its floor, in the same run");
    bench_command->add_option("--level", bench.levels, "Only these levels")
        ->check(CLI::IsMember(kLevels));
    bench_command->add_option("--json", bench.json_file, "Write the figures to this file as JSON");
    bench_command->add_flag("--quick", bench.quick, "Fewer repetitions, less certain figures");
    CLI::Option *plot_option = bench_command->add_option(
        "--plot", bench.plot_folder, "Draw the figures into this folder, as SVG, with gnuplot");
    bench_command->add_option("--from", bench.from, "Draw what is in this JSON, measure nothing")
        ->needs(plot_option)
        ->check(CLI::ExistingFile);
#endif

    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError &error) {
        return app.exit(error) == 0 ? cli::kSuccess : cli::kUsage;
    }
    if (doctor_command->parsed())
        return cli::doctor(doctor);
    if (verify_command->parsed())
        return cli::verify(verify);
    if (module_command->parsed())
        return cli::module(module);
    if (explain_command->parsed())
        return cli::explain(explain);
    if (calls_command->parsed())
        return cli::calls();
    if (const auto status = apps.run())
        return *status;
    if (call.is_wanted())
        return call.run();
#ifdef SBM_WITH_BENCH
    return cli::bench(bench);
#else
    return cli::kUsage;
#endif
}

} // namespace

int main(int count, char **arguments)
{
    try {
        return run(count, arguments);
    } catch (const std::exception &thrown) {
        std::fprintf(stderr, "sbm: %s\n", thrown.what());
        return cli::kTrouble;
    }
}
