// SPDX-License-Identifier: Apache-2.0
//
// What the host makes of streams whose cell does not do what it should.
#include "conformance/at_level.hpp"
#include "modules/stream.hpp"
#include "modules/stream/lies.hpp"
#include "modules/stream/testing.hpp"

#include <sbm_liar_module.module.hpp>

namespace {

using sbm::modules::Bytes;
using sbm::modules::Message;
using sbm::modules::StreamState;
using sbm::modules::test::Lie;

class Stream : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        sbm::modules::Limits limits;
        limits.level = static_cast<sbm::Level>(level());
        limits.output_bytes = std::size_t{10} << 20;
        auto stream = StreamState::create(sbm_liar_module_module(), limits);
        ASSERT_TRUE(stream) << stream.error().text();
        stream_.emplace(std::move(*stream));
    }

    StreamState &stream(Lie lie)
    {
        const auto open = stream_->module().function<int(int, sbm::Out<Message>)>("open_liar");
        EXPECT_TRUE(open);
        stream_->prepare([open = *open, lie](sbm::Sandbox &sandbox, auto /*size*/,
                                             sbm::Untrusted<Message> &message) {
            return sandbox.call(open, static_cast<int>(lie), message);
        });
        return *stream_;
    }

    static void expect_error(const sbm::Result<Bytes> &result, sbm::Errc code, const char *text)
    {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code(), code);
        EXPECT_EQ(std::string(result.error().text()).substr(0, std::strlen(text)), text);
    }

    // The error, whichever way the data comes, and no harm to the next stream.
    void expect_refused(Lie lie, sbm::Errc code, const char *text)
    {
        const Bytes data = sbm::modules::some_text(700000, 1);
        expect_error(stream(lie).whole(data), code, text);
        expect_error(sbm::modules::feed(stream(lie), data, 1), code, text);
        const auto copy = stream(Lie::none).whole(data);
        ASSERT_TRUE(copy) << copy.error().text();
        EXPECT_TRUE(*copy == data);
    }

    std::optional<StreamState> stream_;
};

constexpr const char *kImpossible = "the cell tells of impossible progress";

TEST_P(Stream, AnHonestCellIsBelieved)
{
    for (const std::size_t size : {0, 1, 262143, 262144, 262145, 1000000}) {
        const Bytes data = sbm::modules::some_text(size, 1);
        const auto copy = stream(Lie::none).whole(data);
        ASSERT_TRUE(copy) << copy.error().text();
        EXPECT_TRUE(*copy == data);
        const auto pieces = sbm::modules::feed(stream(Lie::none), data, 1);
        ASSERT_TRUE(pieces) << pieces.error().text();
        EXPECT_TRUE(*pieces == data);
    }
}

TEST_P(Stream, ImpossibleProgressIsAFault)
{
    for (const Lie lie : {Lie::consumed_too_much, Lie::produced_too_much, Lie::stands_still,
                          Lie::never_ends, Lie::unknown_status})
        expect_refused(lie, sbm::Errc::fault, kImpossible);
}

TEST_P(Stream, OutputEndsWithTheLimit)
{
    expect_refused(Lie::has_no_limit, sbm::Errc::no_memory,
                   "the stream gives more bytes than the limits allow");
}

TEST_P(Stream, WordsOfTheCellAreHarmless)
{
    const std::string dots(sizeof Message::text, '.');
    expect_refused(Lie::strange_refusal, sbm::Errc::misuse, dots.c_str());
}

TEST_P(Stream, AStreamThatCannotBeOpenedIsLost)
{
    expect_refused(Lie::cannot_open, sbm::Errc::misuse, "no");
}

TEST_P(Stream, ACrashIsAFault)
{
    expect_refused(Lie::crashes, sbm::Errc::fault, "the call was aborted");
}

INSTANTIATE_TEST_SUITE_P(Level, Stream, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

} // namespace
