// Which service a command goes to; nobody is there.
#include "mcns/cli/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/v1/admin.pb.h"
#include "support/memory_file_system.h"
#include "support/result_matchers.h"
#include "support/test_env.h"

namespace mcns::cli {
namespace {

using dsl::Code;
using testing::HasSubstr;

class ClientTest : public testing::Test {
 protected:
  // What a call says, which names the socket that it went to.
  std::string said(const RouteFlags& flags) {
    auto client = Client::open(env_, flags, std::chrono::seconds(20));
    if (!client) {
      return client.error().message();
    }
    const auto reply =
        (*client)->call<v1::Status>("AdminService.GetStatus", v1::GetStatusRequest());
    return reply ? std::string("an answer") : reply.error().message();
  }
  static std::function<Result<std::string>()> file(Result<std::string> says) {
    return [says = std::move(says)] { return says; };
  }
  static Result<std::string> error(Code code) { return dsl::fail(code, "the file is wrong"); }

  dsl::test::TestEnv env_;
};

TEST_F(ClientTest, TheFileOfConfigNamesTheSocket) {
  env_.variables["MCNS_SOCKET"] = "/nowhere/variable.sock";

  EXPECT_THAT(said({.configured_socket = file("/nowhere/file.sock")}),
              HasSubstr("/nowhere/file.sock"));
  EXPECT_THAT(said({.socket = "/nowhere/flag.sock", .configured_socket = file("/nowhere/file")}),
              HasSubstr("/nowhere/flag.sock"));
  EXPECT_THAT(said({.configured_socket = file("")}), HasSubstr("/nowhere/variable.sock"));
  EXPECT_THAT(said({}), HasSubstr("/nowhere/variable.sock"));
  env_.variables.clear();
  EXPECT_THAT(said({.configured_socket = file("")}), HasSubstr("/srv/mcns/admin.sock"));
}

TEST_F(ClientTest, AFileThatIsNotTheCallersToReadIsPassedOver) {
  EXPECT_THAT(said({.configured_socket = file(error(Code::kPermissionDenied))}),
              HasSubstr("/srv/mcns/admin.sock"));
  EXPECT_EQ(said({.configured_socket = file(error(Code::kNotFound))}), "the file is wrong");
  EXPECT_EQ(said({.configured_socket = file(error(Code::kInvalidArgument))}), "the file is wrong");
  EXPECT_THAT(said({.socket = "/nowhere/flag.sock",
                    .configured_socket = file(error(Code::kInvalidArgument))}),
              HasSubstr("/nowhere/flag.sock"));
}

}  // namespace
}  // namespace mcns::cli
