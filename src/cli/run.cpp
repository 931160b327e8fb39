// SPDX-License-Identifier: Apache-2.0
//
// `sbm run` and `sbm trace`: an app under a policy; `sbm replay`: such a run again.
#include "app_output.hpp"
#include "audit_file.hpp"
#include "commands.hpp"
#include "debugger.hpp"
#include "registry.hpp"
#include "stop_signals.hpp"
#include "trace_lines.hpp"

#include <sbm/app.hpp>

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>

namespace cli {
namespace {

struct CloseFile {
    void operator()(std::FILE *file) const { std::fclose(file); }
};

// One run, with all that it needs around it.
class Run {
public:
    explicit Run(const RunOptions &options) : options_(options) {}

    int run()
    {
        if (const int status = prepare(); status != kSuccess)
            return status;
        if (how_.level == sbm::Level::none)
            warn_of_no_sandbox();
        const auto ended = options_.replays ? sbm::replay_app(options_.app, how_)
                                            : sbm::run_app(options_.app, policy_, how_);
        entry_.reset();
        report();
        if (const int signal = signals_.received(); signal && !ended) {
            say(stderr, fmt::format("{}: the app was ended by {}: {} calls, {} denied", command(),
                                    ::sigdescr_np(signal), end_.calls, end_.denied));
            return 128 + signal;
        }
        return ended ? ended->status : fail(ended.error().text());
    }

private:
    const char *command() const
    {
        return options_.replays                             ? "sbm replay"
               : options_.trace && !options_.is_plain_trace ? "sbm trace"
                                                            : "sbm run";
    }

    int fail(const std::string &why) const
    {
        say(stderr, fmt::format("{}: {}", command(), why));
        return kNotRun;
    }

    int prepare()
    {
        if (!options_.policy.empty()) {
            auto loaded = sbm::Policy::load(options_.policy);
            if (!loaded)
                return fail(loaded.error().text());
            policy_ = std::move(*loaded);
        }
        sbm_level level = SBM_LEVEL_STRONGEST;
        sbm_level_from_name(options_.level.c_str(), &level);
        how_.level = static_cast<sbm::Level>(level);
        if (options_.waits_for_debugger && how_.level != sbm::Level::none) {
            fmt::print(stderr, "sbm run: --wait-for-debugger needs --level none\n");
            return kUsage;
        }
        how_.arguments = options_.arguments;
        how_.arguments.insert(how_.arguments.begin(), options_.app);
        how_.policy_name = options_.policy;
        how_.record = options_.record;
        how_.spin = std::chrono::nanoseconds(static_cast<std::int64_t>(options_.spin * 1000));
        how_.stop = signals_.token();
        how_.output = [this](int stream, std::string_view text) { output_.write(stream, text); };
        how_.denied = [this](const sbm::DeniedCall &denied) { denials_.tell(denied); };
        how_.ended = [this](const sbm::AppEnd &end) { end_ = end; };
        how_.debug = [this](const sbm::DebugTarget &target) {
            tell_debugger(options_.app, target, options_.waits_for_debugger, signals_.token());
        };
        enlist();
        const int status = prepare_audit();
        return status == kSuccess ? prepare_trace() : status;
    }

    // An app that cannot be listed runs all the same.
    void enlist()
    {
        try {
            const std::filesystem::path file(options_.app);
            entry_.emplace(options_.name.empty() ? file.stem().string() : options_.name,
                           options_.app);
            how_.counters = &entry_->counters();
        } catch (const std::exception &thrown) {
            say(stderr, fmt::format("{}: `sbm ps` will not know of this app: {}", command(),
                                    thrown.what()));
        }
    }

    int prepare_audit()
    {
        if (options_.audit.empty())
            return kSuccess;
        std::string why;
        audit_ = AuditFile::open(options_.audit, why);
        if (!audit_)
            return fail(options_.audit + ": " + why);
        how_.audit = [this](std::string_view line) { return audit_->add(line); };
        return kSuccess;
    }

    int prepare_trace()
    {
        if (!options_.trace)
            return kSuccess;
        if (!options_.trace_file.empty()) {
            trace_.reset(std::fopen(options_.trace_file.c_str(), "we"));
            if (!trace_)
                return fail(options_.trace_file + ": " + strerrordesc_np(errno));
        }
        how_.trace = [this](const sbm::TracedCall &call) {
            std::FILE *to = trace_ ? trace_.get() : stderr;
            say(to, options_.json             ? trace_json(call)
                    : options_.is_plain_trace ? "sbm: " + call.line()
                                              : trace_line(call));
        };
        return kSuccess;
    }

    void report() const
    {
        if (end_.log_lost)
            say(stderr, fmt::format("sbm: {} bytes of output were more than [limits] log allows",
                                    end_.log_lost));
        if (end_.delayed)
            say(stderr, fmt::format("sbm: {} calls came faster than [limits] calls_per_second, and "
                                    "waited",
                                    end_.delayed));
        if (end_.audit_lost)
            say(stderr,
                fmt::format("sbm: {} lines of the audit log were dropped", end_.audit_lost));
        if (trace_ && std::ferror(trace_.get()))
            say(stderr, fmt::format("sbm: not all of the trace could be written to {}",
                                    options_.trace_file));
    }

    const RunOptions &options_;
    StopSignals signals_; // before there are other threads
    sbm::Policy policy_;
    sbm::AppOptions how_;
    AppOutput output_;
    DenialLines denials_;
    std::unique_ptr<AuditFile> audit_;
    std::unique_ptr<std::FILE, CloseFile> trace_;
    std::optional<registry::Entry> entry_;
    sbm::AppEnd end_;
};

} // namespace

int run_app(const RunOptions &options)
{
    // A file that may not grow any more is an error of a call, and no end of all of it.
    ::signal(SIGXFSZ, SIG_IGN);
    return Run(options).run();
}

} // namespace cli
