// The method table over gRPC, called by python3-grpcio.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/rpc/python_peer.h"
#include "dsl/rpc/served_echo.h"

namespace dsl::rpc::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// The caller of "python3-grpcio over ...": a token is not needed locally, and TCP gets one for all.
ApiOptions trusting() {
  ApiOptions options;
  options.authenticate = [](const Peer& peer) -> Result<Caller> {
    if (peer.local) {
      return authenticate(peer);
    }
    return Caller{"tester", {}, "user", "test"};
  };
  return options;
}

class Serving : public testing::TestWithParam<bool> {
 protected:
  Serving() : echo_({}, trusting()) {}
  std::string python(std::vector<std::string> arguments) {
    return python_peer(GetParam() ? echo_.local() : echo_.tcp(), std::move(arguments));
  }
  ServedEcho echo_;
};

TEST_P(Serving, MalformedBytesAreAnInvalidArgumentAndTheConnectionGoesOn) {
  EXPECT_THAT(python({"malformed"}), StartsWith("INVALID_ARGUMENT INVALID_ARGUMENT hello|"));
}

TEST_P(Serving, AnOversizeMessageIsRefusedBeforeItReachesAHandler) {
  EXPECT_THAT(python({"oversize"}), StartsWith("RESOURCE_EXHAUSTED|"));
  EXPECT_EQ(echo_.service().echoed, 0);
}

TEST_P(Serving, AnUnknownMethodIsUnimplemented) {
  EXPECT_THAT(python({"unknown"}),
              StartsWith("UNIMPLEMENTED|/dsl.rpc.test.EchoService/Nothing is not served here|"));
}

TEST_P(Serving, AnErrorCarriesCodeHintIdAndFindings) {
  EXPECT_THAT(python({"unary", "Fail"}),
              StartsWith("ABORTED|the port is taken|conflict|choose another|MCP-0101|"
                         "components[0].ports[1]=9443 is mcr's|from-python"));
}

TEST_P(Serving, TheHandlerSeesTheCancellationOfAUnaryCall) {
  EXPECT_EQ(python({"cancel_unary"}), "cancelled");

  EXPECT_TRUE(echo_.service().wait_cancelled(1));
}

TEST_P(Serving, TheHandlerSeesTheCancellationOfAStream) {
  EXPECT_EQ(python({"cancel_stream"}), "python");

  EXPECT_TRUE(echo_.service().wait_cancelled(1));
}

TEST_P(Serving, ADeadlineEndsTheCallAtBothEnds) {
  EXPECT_THAT(python({"deadline"}), StartsWith("DEADLINE_EXCEEDED|"));

  EXPECT_TRUE(echo_.service().wait_cancelled(1));
}

TEST_P(Serving, AUnaryCallIsAnswered) {
  EXPECT_EQ(python({"unary"}), GetParam() ? "hello|from-python|local" : "hello|from-python|test");
}

TEST_P(Serving, AStreamDeliversEachMessageOnceInOrder) {
  EXPECT_EQ(python({"stream", "10000"}), "10000");
}

TEST_P(Serving, AStreamWaitsForASlowReader) { EXPECT_EQ(python({"back_pressure"}), "held 10000"); }

TEST_P(Serving, ReflectionListsTheTableAndItsFiles) {
  EXPECT_EQ(python({"reflection"}), "2 True True True");
}

TEST_P(Serving, HealthKnowsTheProcessAndEachService) {
  EXPECT_EQ(python({"health"}), "0801");
  EXPECT_EQ(python({"health", "dsl.rpc.test.EchoService"}), "0801");
  EXPECT_THAT(python({"health", "dsl.rpc.test.Nothing"}), StartsWith("NOT_FOUND|"));
}

INSTANTIATE_TEST_SUITE_P(Transport, Serving, testing::Bool(), [](const auto& transport) {
  return transport.param ? "LocalSocket" : "Tcp";
});

TEST(ServingTcp, NobodyWithoutATokenGetsInButToPublicMethods) {
  ServedEcho echo;

  EXPECT_THAT(python_peer(echo.tcp(), {"unary", "Echo"}),
              StartsWith("UNAUTHENTICATED|no token, or one that is not known|unauthenticated|"
                         "log in with mcias login|"));
  EXPECT_THAT(python_peer(echo.tcp(), {"stream", "3"}), StartsWith("UNAUTHENTICATED|"));
  EXPECT_EQ(echo.service().echoed, 0);
  EXPECT_EQ(python_peer(echo.tcp(), {"unary", "Public"}), "hello|from-python|none");
}

TEST(ServingErrors, MoreFindingsThanATrailerHoldsAreCounted) {
  ServedEcho echo;

  EXPECT_THAT(python_peer(echo.local(), {"many"}), HasSubstr("items[170]=is wrong =and 829 more|"));
}

}  // namespace
}  // namespace dsl::rpc::test
