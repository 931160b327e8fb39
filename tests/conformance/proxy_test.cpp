// SPDX-License-Identifier: Apache-2.0
//
// Proxies: functions of the host that code in a cell may call, rightly used, and
// what becomes of wrong uses. In a plain call a proxy is called like any function.
#include "instance.hpp"

#include <array>
#include <cstring>
#include <limits>
#include <memory>

using conformance::aborted;
using conformance::AtTarget;
using conformance::Instance;
using conformance::works;

namespace {

class Proxy : public AtTarget {};
class RefusedProxy : public AtTarget {};
IN_PLACE_AT_EVERY_LEVEL(Proxy);
IN_PLACE_AT_STRONG_LEVELS(RefusedProxy);

uintptr_t address_of(const void *pointer)
{
    return reinterpret_cast<uintptr_t>(pointer);
}

TEST_P(Proxy, OfValues)
{
    Instance sbm(options());
    long result = 0;
    long *out = SBM_COPY_OUT(sbm, &result, sizeof result);
    EXPECT_EQ(sbm_call(sbm, call_value_proxy, 1L << 40, 3L, out), 0);
    EXPECT_EQ(result, (1L << 40) - 3);
    EXPECT_EQ(sbm_call(sbm, call_value_proxy, std::numeric_limits<long>::min(), -1L, out), 0);
    EXPECT_EQ(result, std::numeric_limits<long>::min() + 1);
    EXPECT_TRUE(works(sbm));
}

TEST_P(Proxy, OfInputBytes)
{
    Instance sbm(options());
    const std::array<unsigned char, 5> bytes = {1, 2, 3, 4, 250};
    long result = 0;
    const auto *in_cell = SBM_COPY_IN(sbm, bytes.data(), bytes.size());
    EXPECT_EQ(sbm_call(sbm, call_in_proxy, address_of(in_cell), bytes.size(),
                       SBM_COPY_OUT(sbm, &result, sizeof result)),
              0);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(result, 260);
}

TEST_P(Proxy, OfOutputBytes)
{
    Instance sbm(options());
    std::array<unsigned char, 5> bytes{};
    long result = 0;
    auto *in_cell = SBM_COPY_OUT(sbm, bytes.data(), bytes.size());
    EXPECT_EQ(sbm_call(sbm, call_out_proxy, address_of(in_cell), bytes.size(), 7,
                       SBM_COPY_OUT(sbm, &result, sizeof result)),
              0);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(result, -EDOM) << "the proxy's own negative value";
    EXPECT_EQ(bytes, (std::array<unsigned char, 5>{7, 7, 7, 7, 7}));
}

TEST_P(Proxy, OfBytesBothWays)
{
    Instance sbm(options());
    std::array<unsigned char, 4> bytes = {1, 2, 3, 4};
    long result = 0;
    auto *in_cell = SBM_COPY_INOUT(sbm, bytes.data(), bytes.size());
    EXPECT_EQ(sbm_call(sbm, call_inout_proxy, address_of(in_cell), size_t{3}, 0xf0,
                       SBM_COPY_OUT(sbm, &result, sizeof result)),
              0);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(result, 3);
    EXPECT_EQ(bytes, (std::array<unsigned char, 4>{0xf1, 0xf2, 0xf3, 4}));
}

TEST_P(Proxy, OfSixMixedParameters)
{
    Instance sbm(options());
    long result = 0;
    EXPECT_EQ(sbm_call(sbm, call_six_proxy, SBM_COPY_OUT(sbm, &result, sizeof result)), 1);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(result, (1L << 40) + 1);
}

TEST_P(Proxy, OfNoBytes)
{
    Instance sbm(options());
    long result = -1;
    EXPECT_EQ(sbm_call(sbm, call_empty_proxy, SBM_COPY_OUT(sbm, &result, sizeof result)), 1);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(result, 0);
}

TEST_P(Proxy, OfBytesOnTheCellsStack)
{
    Instance sbm(options());
    long result = 0;
    EXPECT_EQ(sbm_call(sbm, call_proxy_with_stack, SBM_COPY_OUT(sbm, &result, sizeof result)), 0);
    EXPECT_EQ(result, 18000);
}

TEST_P(Proxy, OfAsManyBytesAsAllowed)
{
    Instance sbm(options());
    long result = 0;
    EXPECT_EQ(sbm_call(sbm, call_proxy_with_heap, SBM_PROXY_BYTES_MAX, SBM_PROXY_BYTES_MAX,
                       SBM_COPY_OUT(sbm, &result, sizeof result)),
              0);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(result, long{SBM_PROXY_BYTES_MAX});
}

TEST_P(Proxy, ManyTimesInOneCall)
{
    Instance sbm(options());
    long result = 0;
    EXPECT_EQ(sbm_call(sbm, call_proxy_often, 500, SBM_COPY_OUT(sbm, &result, sizeof result)), 0);
    EXPECT_EQ(result, 499 * 500 / 2);
}

TEST_P(Proxy, WorksAgainAfterReset)
{
    Instance sbm(options());
    long result = 0;
    long *out = SBM_COPY_OUT(sbm, &result, sizeof result);
    EXPECT_EQ(sbm_call(sbm, call_value_proxy, 5L, 3L, out), 0);
    EXPECT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_call(sbm, call_value_proxy, 6L, 3L, out), 0);
    EXPECT_EQ(result, 3);
}

// The body sees a copy, never memory that the cell could change meanwhile.
TEST_P(RefusedProxy, TheBodySeesNoAddressOfTheCell)
{
    Instance sbm(options());
    const int value = 1;
    long is_same = -1;
    const auto *in_cell = SBM_COPY_IN(sbm, &value, sizeof value);
    EXPECT_EQ(sbm_call(sbm, compare_proxy_address, address_of(in_cell),
                       SBM_COPY_OUT(sbm, &is_same, sizeof is_same)),
              0);
    EXPECT_EQ(is_same, 0);
}

TEST_P(RefusedProxy, BytesOfTheHost)
{
    std::array<unsigned char, 16> secret;
    secret.fill(0x77);
    const auto heap = std::make_unique<std::array<unsigned char, 16>>(secret);
    for (const void *host :
         {static_cast<const void *>(secret.data()), static_cast<const void *>(heap.get()),
          static_cast<const void *>("text"), static_cast<const void *>(&stdout)}) {
        Instance sbm(options());
        long result = -1;
        long *out = SBM_COPY_OUT(sbm, &result, sizeof result);
        const int read = sbm_call(sbm, call_in_proxy, address_of(host), size_t{4}, out);
        EXPECT_TRUE(aborted(sbm, read, SBM_FAULT_HOST_CALL));
        EXPECT_EQ(result, -1);
        ASSERT_EQ(sbm_reset(sbm), 0);
        const int written = sbm_call(sbm, call_out_proxy, address_of(host), size_t{4}, 1, out);
        EXPECT_TRUE(aborted(sbm, written, SBM_FAULT_HOST_CALL));
    }
    EXPECT_EQ(secret[0], 0x77);
}

TEST_P(RefusedProxy, BytesBeyondTheBuffer)
{
    const std::array<unsigned char, 64> bytes{};
    for (const size_t size : {size_t{65}, size_t{4096}, SBM_PROXY_BYTES_MAX}) {
        Instance sbm(options());
        long result = -1;
        const auto *in_cell = SBM_COPY_IN(sbm, bytes.data(), bytes.size());
        const int returned = sbm_call(sbm, call_in_proxy, address_of(in_cell), size,
                                      SBM_COPY_OUT(sbm, &result, sizeof result));
        EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_HOST_CALL)) << size;
    }
}

TEST_P(RefusedProxy, SizesThatWrapAround)
{
    const std::array<unsigned char, 64> bytes{};
    for (const size_t size :
         {SIZE_MAX, SIZE_MAX - 4095, size_t{1} << 63, SBM_PROXY_BYTES_MAX + 1}) {
        Instance sbm(options());
        long result = -1;
        const auto *in_cell = SBM_COPY_IN(sbm, bytes.data(), bytes.size());
        const int returned = sbm_call(sbm, call_in_proxy, address_of(in_cell), size,
                                      SBM_COPY_OUT(sbm, &result, sizeof result));
        EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_HOST_CALL)) << size;
    }
}

TEST_P(RefusedProxy, MoreBytesThanAllowed)
{
    Instance sbm(options());
    long result = -1;
    const int returned =
        sbm_call(sbm, call_proxy_with_heap, SBM_PROXY_BYTES_MAX + 1, SBM_PROXY_BYTES_MAX + 1,
                 SBM_COPY_OUT(sbm, &result, sizeof result));
    ASSERT_TRUE(aborted(sbm, returned, SBM_FAULT_HOST_CALL));
    EXPECT_NE(std::strstr(sbm_fault(sbm)->text, "sum_of"), nullptr) << sbm_fault(sbm)->text;
}

TEST_P(RefusedProxy, OutputIntoAnInput)
{
    Instance sbm(options());
    std::array<unsigned char, 64> bytes{};
    long result = -1;
    const auto *in_cell = SBM_COPY_IN(sbm, bytes.data(), bytes.size());
    const int returned = sbm_call(sbm, call_out_proxy, address_of(in_cell), bytes.size(), 1,
                                  SBM_COPY_OUT(sbm, &result, sizeof result));
    EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_HOST_CALL));
    EXPECT_EQ(bytes[0], 0);
}

TEST_P(RefusedProxy, OutputIntoCode)
{
    Instance sbm(options());
    long result = -1;
    const auto code = reinterpret_cast<uintptr_t>(plain_target);
    const int returned = sbm_call(sbm, call_out_proxy, code, size_t{1}, 0xc3,
                                  SBM_COPY_OUT(sbm, &result, sizeof result));
    EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_HOST_CALL));
}

TEST_P(RefusedProxy, NotDeclared)
{
    Instance sbm(options());
    EXPECT_TRUE(aborted(sbm, sbm_call(sbm, call_made_up_proxy), SBM_FAULT_HOST_CALL));
    ASSERT_EQ(sbm_reset(sbm), 0);
    EXPECT_TRUE(aborted(sbm, sbm_call(sbm, call_half_a_proxy), SBM_FAULT_HOST_CALL));
    ASSERT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
}

} // namespace
