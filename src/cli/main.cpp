// SPDX-License-Identifier: Apache-2.0
//
// The program `sbm`: reads the command line and starts a sub-command.
#include "commands.hpp"

#include <sbm/types.h>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <map>

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

    cli::RunOptions run;
    CLI::App *run_command =
        app.add_subcommand("run", "Run an app in a cell, as far as a policy allows");
    run_command->add_option("app", run.app, "Its file")->required();
    run_command->add_option("--policy", run.policy,
                            "What it may do (<sbm/policy.hpp>); nothing if absent");
    run_command->add_option("--level", run.level, "process, vm or strongest")
        ->check(CLI::IsMember(kStrongLevels))
        ->capture_default_str();
    run_command->add_flag("--trace", run.trace, "Print each system call to standard error");
    run_command->add_option("arguments", run.arguments, "The app's, after --");
    run_command->footer("Exit status: the app's own; 125 if it was not run, or ended otherwise.");

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
    if (run_command->parsed())
        return cli::run_app(run);
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
