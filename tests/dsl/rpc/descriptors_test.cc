#include "dsl/rpc/descriptors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/rpc/echo.pb.h"
#include "dsl/rpc/echo_service.h"
#include "dsl/rpc/served_echo.h"
#include "support/result_matchers.h"

namespace dsl::rpc::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::ok;

template <class Request = EchoRequest, class Reply = EchoReply>
MethodTable table_of(const std::string& name) {
  MethodTable table;
  table.add<Request, Reply>(name,
                            [](CallContext&, const Request&) { return Result<Reply>(Reply()); });
  return table;
}

// HOUSE-A6: a service whose table holds a method without an access option does not start and names
// the method, and so does the contract check that its unit test calls.
TEST(CheckDescriptors, AMethodWithoutAccessIsNamedAndTheServerRefusesToStart) {
  const MethodTable table = table_of("dsl.rpc.test.UnclassifiedService.Bare");

  EXPECT_THAT(check_descriptors(table),
              failed_saying(Code::kInternal,
                            "dsl.rpc.test.UnclassifiedService.Bare has no "
                            "(dsl.v1.access) option"));
  EXPECT_THAT(Api::create(env::system_env(), table, {.authenticate = authenticate}),
              failed_saying(Code::kInternal, "dsl.rpc.test.UnclassifiedService.Bare"));
}

// HOUSE-A6: it makes no difference whether the unclassified method itself is served yet.
TEST(CheckDescriptors, AnUnservedNeighbourWithoutAccessIsNamedToo) {
  EXPECT_THAT(check_descriptors(table_of("dsl.rpc.test.UnclassifiedService.Good")),
              failed_saying(Code::kInternal, "dsl.rpc.test.UnclassifiedService.Bare"));
}

TEST(CheckDescriptors, ANameThatNoLinkedProtoDeclaresIsNamed) {
  EXPECT_THAT(check_descriptors(table_of("dsl.rpc.test.EchoService.Ecko")),
              failed_saying(Code::kInternal, "dsl.rpc.test.EchoService.Ecko is declared in no"));
}

TEST(CheckDescriptors, OtherTypesThanDeclaredAreNamed) {
  EXPECT_THAT(check_descriptors(table_of<CountRequest>("dsl.rpc.test.EchoService.Echo")),
              failed_saying(Code::kInternal,
                            "takes dsl.rpc.test.EchoRequest, the table has "
                            "dsl.rpc.test.CountRequest"));
  EXPECT_THAT(
      (check_descriptors(table_of<EchoRequest, CountReply>("dsl.rpc.test.EchoService.Echo"))),
      failed_saying(Code::kInternal, "returns dsl.rpc.test.EchoReply"));
}

TEST(CheckDescriptors, AStreamServedAsUnaryIsNamed) {
  EXPECT_THAT(
      (check_descriptors(table_of<CountRequest, CountReply>("dsl.rpc.test.EchoService.Count"))),
      failed_saying(Code::kInternal, "streams otherwise"));
}

TEST(CheckDescriptors, ChecksThatCannotBeObeyedAreNamed) {
  const auto result = check_descriptors(table_of<BadPattern>("dsl.rpc.test.BadChecksService.Call"));

  EXPECT_THAT(result, failed_saying(Code::kInternal, "BadPattern.name: pattern is not a regular"));
  EXPECT_THAT(result, failed_saying(Code::kInternal, "BadPattern.size: min and max are for"));
  EXPECT_THAT(result, failed_saying(Code::kInternal, "BadPattern.count: min is above max"));
}

TEST(CheckDescriptors, ACompleteTableKeepsTheContract) {
  EchoService service;

  EXPECT_THAT(check_descriptors(service.table()), ok());
}

TEST(MethodNames, ConvertToPathsAndBack) {
  for (const char* path : {"", "/", "x", "/x", "x/y", "//"}) {
    EXPECT_EQ(method_of_path(path).find('/'), std::string::npos) << path;
  }
  EXPECT_EQ(method_of_path("/mcp.v1.AgentService/GetNode"), "mcp.v1.AgentService.GetNode");
  EXPECT_EQ(path_of_method("mcp.v1.AgentService.GetNode"), "/mcp.v1.AgentService/GetNode");
}

}  // namespace
}  // namespace dsl::rpc::test
