// SPDX-License-Identifier: Apache-2.0
//
// pgp_keys: prints the keys, user ids and fingerprints of OpenPGP files. What reads
// the files runs in a cell; this program sees only answers that fit them.

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "key_ring.hpp"
#include "print.hpp"
#include "sandboxed_parser.hpp"
#include "text.hpp"
#include "timing.hpp"

namespace {

struct Choices {
    std::vector<std::string> files;
    sbm::Level level = sbm::Level::strongest;
    bool json = false;
    bool colons = false;
    bool packets = false;
    bool time = false;
};

struct Close {
    void operator()(std::FILE *file) const { std::fclose(file); }
};

// The file's octets, or nothing with `why`. Reads at most one octet more than a
// parser takes, so that a device or a pipe without an end is no danger.
std::optional<pgp::Octets> read_file(const std::string &name, std::string &why)
{
    const std::unique_ptr<std::FILE, Close> file(std::fopen(name.c_str(), "rb"));
    if (!file) {
        why = std::strerror(errno);
        return std::nullopt;
    }
    pgp::Octets octets(pgp::kMaxInput + 1);
    octets.resize(std::fread(octets.data(), 1, octets.size(), file.get()));
    if (std::ferror(file.get()) != 0) {
        why = std::strerror(errno);
        return std::nullopt;
    }
    return octets;
}

bool fail(const std::string &file, const std::string &why)
{
    std::cerr << "pgp_keys: " << pgp::escape(file) << ": " << why << '\n';
    return false;
}

// Prints one file, or adds it to `document`.
bool show(pgp::SandboxedParser &parser, const Choices &choices, const std::string &file,
          nlohmann::json &document)
{
    std::string why;
    const auto input = read_file(file, why);
    if (!input)
        return fail(file, why);
    const auto list = parser.parse(*input);
    if (!list)
        return fail(file, pgp::describe(list.problem()));
    nlohmann::json entry = {{"file", pgp::escape(file)}};
    if (choices.packets) {
        if (choices.json)
            entry["packets"] = pgp::to_json(*list);
        else
            pgp::print_packets(std::cout, *list);
    } else {
        const auto ring = pgp::assemble(*list);
        if (!ring)
            return fail(file, pgp::describe(ring.problem()));
        if (choices.json)
            entry["keys"] = pgp::to_json(*ring);
        else if (choices.colons)
            pgp::print_colons(std::cout, *ring);
        else
            pgp::print_keys(std::cout, *ring);
    }
    document.push_back(std::move(entry));
    return true;
}

// What the cell costs: the same files, parsed and checked, with it and without.
bool show_times(pgp::SandboxedParser &parser, const Choices &choices)
{
    auto plain = pgp::SandboxedParser::create({.level = sbm::Level::none});
    if (!plain)
        return fail("level none", plain.error().text());
    for (const std::string &file : choices.files) {
        std::string why;
        const auto input = read_file(file, why);
        if (!input)
            return fail(file, why);
        const double in_cell =
            examples::median_microseconds([&] { static_cast<void>(parser.parse(*input)); });
        const double unsandboxed =
            examples::median_microseconds([&] { static_cast<void>(plain->parse(*input)); });
        std::printf("%s: %zu octets, %.0f us at level %s with a reset, %.0f us unsandboxed\n",
                    pgp::escape(file).c_str(), input->size(), in_cell,
                    sbm_level_name(static_cast<sbm_level>(parser.level())), unsandboxed);
    }
    return true;
}

int run(const Choices &choices)
{
    auto parser = pgp::SandboxedParser::create({.level = choices.level});
    if (!parser) {
        std::cerr << "pgp_keys: no cell: " << parser.error().text() << '\n';
        return 1;
    }
    if (choices.time)
        return show_times(*parser, choices) ? 0 : 1;
    bool good = true;
    nlohmann::json document = nlohmann::json::array();
    for (const std::string &file : choices.files)
        good = show(*parser, choices, file, document) && good;
    if (choices.json)
        std::cout << document.dump(2) << '\n';
    std::cout.flush();
    if (!std::cout) {
        std::cerr << "pgp_keys: cannot write the output\n";
        return 1;
    }
    return good ? 0 : 1;
}

} // namespace

int main(int argc, char **argv)
{
    Choices choices;
    CLI::App app("Prints the keys, user ids and fingerprints of OpenPGP files, binary or "
                 "armoured. The files are parsed in a cell. No signature is verified.");
    const std::map<std::string, sbm::Level> levels = {
        {"strongest", sbm::Level::strongest},
        {"none", sbm::Level::none},
        {"weak", sbm::Level::weak},
        {"process", sbm::Level::process},
        {"vm", sbm::Level::vm},
    };
    app.add_option("FILE", choices.files, "files to read")->required();
    app.add_option("--level", choices.level, "what enforces the cell")
        ->transform(CLI::CheckedTransformer(levels))
        ->option_text("strongest|vm|process|weak|none");
    auto *json = app.add_flag("--json", choices.json, "print JSON");
    auto *packets = app.add_flag("--list-packets", choices.packets,
                                 "print every packet and signature subpacket");
    app.add_flag("--colons", choices.colons, "print the lines of gpg --with-colons")
        ->excludes(json)
        ->excludes(packets);
    app.add_flag("--time", choices.time, "print how long a call takes, in the cell and without")
        ->excludes(json)
        ->excludes(packets);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        return app.exit(error) == 0 ? 0 : 1;
    }
    return run(choices);
}
