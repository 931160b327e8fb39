// SPDX-License-Identifier: Apache-2.0
//
// The program `sbm`: reads the command line and starts a sub-command.
#include "commands.hpp"

#include <sbm/types.h>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>

namespace {

const std::vector<std::string> kLevels = {"none", "weak", "process", "vm"};

int run(int count, char **arguments)
{
    CLI::App app("Sandbox mode for user space: what it offers, holds and costs on this machine.",
                 "sbm");
    app.set_version_flag("--version", std::string("sbm ") + sbm_version());
    app.require_subcommand(1);
    app.footer(
        "Exit status: 0 success, 1 a promise that does not hold or a file that is no module, "
        "2 wrong usage, 3 trouble.");

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
