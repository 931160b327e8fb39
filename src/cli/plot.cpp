// SPDX-License-Identifier: Apache-2.0
#include "plot.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <map>
#include <sstream>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace cli {
namespace {

using nlohmann::json;

struct Lane {
    const char *level;
    const char *colour; // apart also for those who see no red or green (Okabe and Ito)
    double offset;      // from the middle of a row
};
constexpr Lane kLanes[] = {{"process", "#0072b2", -0.18}, {"vm", "#d55e00", 0.18}};

// In gnuplot's quotes, where only the quote itself is special.
std::string quoted(const std::string &text)
{
    std::string result = "'";
    for (const char c : text)
        result += c == '\'' ? "''" : std::string(1, c);
    return result + "'";
}

// On which machine, and when.
std::string caption(const json &report)
{
    const json &machine = report.at("machine");
    const auto time = static_cast<std::time_t>(machine.at("unix_time").get<std::int64_t>());
    return fmt::format("{} x {}{}, {}, {:%Y-%m-%d}{}", machine.at("processors").get<int>(),
                       machine.at("processor").get<std::string>(),
                       machine.at("virtual_machine").get<bool>() ? " in a virtual machine" : "",
                       machine.at("kernel").get<std::string>(), fmt::gmtime(time),
                       report.at("quick").get<bool>() ? ", quick" : "");
}

// The figures of the strong levels that have a floor.
std::vector<json> compared(const json &report)
{
    std::vector<json> result;
    for (const json &figure : report.at("figures"))
        if (figure.contains("ratio") && figure.at("ratio").get<double>() > 0)
            for (const Lane &lane : kLanes)
                if (figure.at("level") == lane.level)
                    result.push_back(figure);
    return result;
}

// The rows' names, in the order of the first level that has them.
std::vector<std::string> names_of(const std::vector<json> &figures)
{
    std::vector<std::string> names;
    for (const json &figure : figures) {
        const auto name = figure.at("figure").get<std::string>();
        if (std::find(names.begin(), names.end(), name) == names.end())
            names.push_back(name);
    }
    return names;
}

std::string beginning(const std::string &file, int width, std::size_t height, const json &report,
                      const std::string &title)
{
    return fmt::format("set terminal svg noenhanced size {},{} font 'sans-serif,13' "
                       "background '#ffffff'\n"
                       "set output {}\n"
                       "set title {}.\"\\n\".{}\n"
                       "set border 3 linecolor '#888888'\n"
                       "set tics nomirror textcolor '#000000'\n"
                       "set grid linecolor '#dddddd'\n",
                       width, height, quoted(file), quoted(title), quoted(caption(report)));
}

// The two levels of a row lie below each other: a bar from the floor to the figure, and a
// line across it for the aim.
void add_lane(const Lane &lane, const std::vector<json> &figures,
              const std::vector<std::string> &names, std::ostream &data, std::ostream &parts)
{
    std::ostringstream bars, aims;
    for (const json &figure : figures) {
        if (figure.at("level") != lane.level)
            continue;
        const double middle =
            lane.offset +
            static_cast<double>(std::find(names.begin(), names.end(), figure.at("figure")) -
                                names.begin());
        bars << figure.at("ratio") << ' ' << middle << '\n';
        if (figure.contains("aim_ratio"))
            aims << figure.at("aim_ratio") << ' ' << middle << '\n';
    }
    if (bars.str().empty())
        return;
    data << fmt::format("${0} << END\n{1}END\n${0}_aims << END\n{2}END\n", lane.level, bars.str(),
                        aims.str());
    parts << fmt::format("${0} using 1:2:(1):1:($2-0.14):($2+0.14) with boxxyerror fillstyle solid "
                         "noborder linecolor '{1}' title '{0}', ",
                         lane.level, lane.colour);
    if (!aims.str().empty())
        parts << fmt::format("${0}_aims using 1:($2-0.22):(0):(0.44) with vectors nohead linewidth "
                             "3 linecolor '#000000' {1}, ",
                             lane.level, &lane == kLanes ? "title 'aim: at most'" : "notitle");
}

std::string ratio_script(const std::string &file, const json &report)
{
    const std::vector<json> figures = compared(report);
    const std::vector<std::string> names = names_of(figures);
    std::ostringstream script, parts;
    for (const Lane &lane : kLanes)
        add_lane(lane, figures, names, script, parts);
    script << beginning(file, 900, 130 + 22 * names.size(), report,
                        "Time as a multiple of the floor, both measured in turns")
           << "set logscale x\nset xrange [0.5:]\n"
              "set xtics (0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100)\n"
              "set xlabel 'times the floor; less is better'\n"
              "set key outside bottom center horizontal\n"
              "set arrow from 1, graph 0 to 1, graph 1 nohead linecolor '#000000'\n"
           << fmt::format("set yrange [{}:-0.7]\nset ytics (",
                          static_cast<double>(names.size()) - 0.3);
    for (std::size_t i = 0; i < names.size(); i++)
        script << (i ? ", " : "") << quoted(names[i]) << ' ' << i;
    script << ")\nplot " << parts.str() << "1/0 notitle\n";
    return script.str();
}

// Times of one picture by the length of its side, in microseconds.
using Times = std::map<int, double>;

struct PictureTimes {
    std::map<std::string, Times> cells; // by level
    Times native;
};

// The side in "PNG 16 x 16", or 0.
int side_of(const std::string &name)
{
    constexpr std::string_view kBefore = "PNG ";
    int side = 0;
    if (name.starts_with(kBefore))
        std::from_chars(name.data() + kBefore.size(), name.data() + name.size(), side);
    return side;
}

PictureTimes picture_times(const json &report)
{
    PictureTimes times;
    for (const json &figure : compared(report)) {
        const int side = side_of(figure.at("figure"));
        if (side <= 0)
            continue;
        times.cells[figure.at("level")][side] = figure.at("median_ns").get<double>() / 1e3;
        // Measured once for each level; the last is as good as any.
        times.native[side] = figure.at("floor_median_ns").get<double>() / 1e3;
    }
    return times;
}

std::string picture_script(const std::string &file, const json &report)
{
    const PictureTimes times = picture_times(report);
    std::ostringstream script, parts;
    const auto add = [&](const std::string &name, const std::string &title, const Times &line,
                         const std::string &colour) {
        script << "$" << name << " << END\n";
        for (const auto &[side, time] : line)
            script << side << ' ' << time << '\n';
        script << "END\n";
        parts << fmt::format("${} using 1:2 with linespoints linewidth 2 pointtype 7 pointsize 0.6 "
                             "linecolor '{}' title '{}', ",
                             name, colour, title);
    };
    add("native", "libpng, native", times.native, "#000000");
    for (const Lane &lane : kLanes)
        if (const auto cell = times.cells.find(lane.level); cell != times.cells.end())
            add(lane.level, std::string("in a cell, ") + lane.level, cell->second, lane.colour);
    script << beginning(file, 760, 460, report,
                        "Decoding one PNG picture, a reset after each in the cell")
           << "set logscale xy\nset xrange [14:290]\n"
              "set xlabel 'width and height in pixels'\nset ylabel 'microseconds'\n"
              "set key top left\nset xtics (";
    for (auto at = times.native.begin(); at != times.native.end(); ++at)
        script << (at == times.native.begin() ? "" : ", ") << at->first;
    script << ")\nplot " << parts.str() << "1/0 notitle\n";
    return script.str();
}

bool run_gnuplot(const std::string &script)
{
    std::FILE *pipe = ::popen("gnuplot", "w");
    if (!pipe)
        return false;
    const bool written = std::fwrite(script.data(), 1, script.size(), pipe) == script.size();
    return ::pclose(pipe) == 0 && written;
}

} // namespace

bool has_gnuplot()
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the program never changes its environment
    const char *path = std::getenv("PATH");
    std::istringstream folders(path ? path : "/usr/bin:/bin");
    for (std::string folder; std::getline(folders, folder, ':');)
        if (::access((folder + "/gnuplot").c_str(), X_OK) == 0)
            return true;
    return false;
}

std::string plot(const json &report, const std::string &folder)
{
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
        return fmt::format("cannot make the folder {}: {}", folder, error.message());
    if (compared(report).empty())
        return "there is nothing to plot: no figure of a strong level";
    std::string scripts = ratio_script(folder + "/ratios.svg", report);
    if (!picture_times(report).native.empty())
        scripts += "reset\n" + picture_script(folder + "/png.svg", report);
    return run_gnuplot(scripts) ? "" : "gnuplot failed";
}

} // namespace cli
