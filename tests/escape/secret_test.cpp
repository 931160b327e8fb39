// SPDX-License-Identifier: Apache-2.0
//
// A secret is put everywhere in the program just before a call. Hostile code then
// looks at every byte that it can reach, and must not find it.
#include "cell_map.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <unistd.h>

namespace escape {
namespace {

char secret_variable[64] = "something that is not zero";
char secret_zero[64];
thread_local char secret_of_thread[64] = "something that is not zero";

// Copies of a secret in each kind of memory that a program has.
class Planted {
public:
    explicit Planted(const std::string &secret) : heap_(std::make_unique<char[]>(64))
    {
        attack_plant_secret(secret.data(), 64);
        for (char *place : {secret_variable, secret_zero, secret_of_thread, heap_.get(), stack_})
            std::memcpy(place, secret.data(), 64);
        ::setenv("ESCAPE_SECRET", secret.c_str(), 1);
    }
    ~Planted() { ::unsetenv("ESCAPE_SECRET"); }
    Planted(const Planted &) = delete;
    Planted &operator=(const Planted &) = delete;

private:
    std::unique_ptr<char[]> heap_;
    char stack_[64]; // an object of this class lies on the stack
};

// All that the cell can read of its object, its window, its buffers and, at the
// level `process`, of the cell's own program.
std::vector<Area> everything(Cell &cell, const CellPlaces &places)
{
    std::vector<Area> areas;
    std::vector<Area> candidates = places.all();
    candidates.push_back(kHelper);
    for (const Area &candidate : candidates)
        for (const Area &area : reachable(cell, candidate, Right::read))
            areas.push_back(area);
    return areas;
}

ESCAPE_SUITE(Secret);

TEST_P(Secret, IsFoundNowhere)
{
    const auto before = mappings_of();
    Cell cell(GetParam());
    const CellPlaces places = find_places(cell, before);
    const std::vector<Area> areas = everything(cell, places);
    std::uint64_t bytes = 0;
    for (const Area &area : areas)
        bytes += area.end - area.start;
    EXPECT_GT(bytes, 2U << 20) << "at least the heap was looked at";
    const std::string secret = fresh_secret();
    const Planted planted(secret);
    attack_fill_vectors(secret.data());
    EXPECT_EQ(count_in_cell(cell, areas, secret), 0U);
    EXPECT_EQ(count_in_cell(cell, areas, secret.substr(32)), 0U);
    EXPECT_TRUE(cell.works());
}

TEST_P(Secret, IsFoundNowhereByACellThatStartsAfterwards)
{
    const std::string secret = fresh_secret();
    const Planted planted(secret);
    const auto before = mappings_of();
    Cell cell(GetParam());
    const CellPlaces places = find_places(cell, before);
    const std::vector<Area> areas = everything(cell, places);
    EXPECT_EQ(count_in_cell(cell, areas, secret), 0U);
    EXPECT_EQ(count_in_cell(cell, areas, secret.substr(32)), 0U);
}

// The twin: what the program passes in, the same search finds, once.
TEST_P(Secret, IsFoundWhereItWasPassedIn)
{
    const auto before = mappings_of();
    Cell cell(GetParam());
    const CellPlaces places = find_places(cell, before);
    const std::string secret = fresh_secret();
    const Needle needle(secret);
    std::uint64_t found = 0, expected = 0;
    const Outcome outcome = cell.run([&](struct sbm *sbm) {
        const char *text = SBM_COPY_IN(sbm, secret.data(), secret.size());
        expected = reinterpret_cast<std::uint64_t>(text);
        const attack_scan scan{expected / 4096 * 4096, expected + secret.size(), needle.mask,
                               needle.masked};
        return sbm_call(sbm, attack_scan, SBM_COPY_IN(sbm, &scan, sizeof scan),
                        SBM_COPY_OUT(sbm, &found, sizeof found));
    });
    EXPECT_EQ(outcome.value, 1) << outcome;
    EXPECT_EQ(found, expected);
    EXPECT_EQ(::getenv("ESCAPE_SECRET"), nullptr);
}

// Two cells of one program: what one was given, the other does not find.
TEST_P(Secret, OfAnotherCellIsFoundNowhere)
{
    auto before = mappings_of();
    Cell first(GetParam());
    const CellPlaces places = find_places(first, before);
    Cell second(GetParam());
    EXPECT_TRUE(second.works());
    const std::string secret = fresh_secret();
    std::string copy(secret.size(), '\0');
    // Kept alive: the buffers stay registered while the first cell searches.
    const Outcome outcome = second.run_only([&](struct sbm *sbm) {
        return sbm_call(
            sbm, attack_none,
            SBM_COPY_IN(sbm, reinterpret_cast<const unsigned char *>(secret.data()), secret.size()),
            secret.size(),
            SBM_COPY_OUT(sbm, reinterpret_cast<unsigned char *>(copy.data()), copy.size()));
    });
    EXPECT_EQ(outcome.error, 0) << outcome;
    EXPECT_EQ(count_in_cell(first, everything(first, places), secret), 0U);
}

} // namespace
} // namespace escape
