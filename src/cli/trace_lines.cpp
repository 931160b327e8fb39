// SPDX-License-Identifier: Apache-2.0
#include "trace_lines.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdlib>

namespace cli {

std::string trace_line(const sbm::TracedCall &call)
{
    return fmt::format("{:>11.6f} {} <{:.1f} us>", static_cast<double>(call.began.count()) / 1e9,
                       call.line(), static_cast<double>(call.took.count()) / 1e3);
}

std::string trace_json(const sbm::TracedCall &call)
{
    nlohmann::ordered_json parameters = nlohmann::ordered_json::object();
    for (const auto &parameter : call.parameters) {
        auto &value = parameters[parameter.name];
        if (parameter.is_number)
            value = std::strtoull(parameter.text.c_str(), nullptr, 10);
        else
            value = parameter.text;
    }
    const nlohmann::ordered_json json = {{"began_ns", call.began.count()},
                                         {"took_ns", call.took.count()},
                                         {"call", call.call},
                                         {"parameters", parameters},
                                         {"status", call.status},
                                         {"results", call.results}};
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace cli
