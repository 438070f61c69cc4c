// Shows that gRPC and REST answer alike.
//
//   const auto report = transports_agree(api, {...});
//   EXPECT_EQ(report.covered, report.declared);
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include <google/protobuf/message.h>

#include "dsl/rpc/api.h"

namespace dsl::test {

struct ContractOptions {
  int requests_per_form = 20;
  std::uint64_t seed = 1;
  // Changes the `n`th random request of a method, to take it further or to keep it repeatable.
  std::function<void(const std::string& method, int n, google::protobuf::Message& request)> shape;
  // Removes from a message what is another one at each call.
  std::function<void(google::protobuf::Message& message)> blur;
  // Streams that have no end: how many messages are read before the client leaves.
  std::map<std::string, int> leave_after;
};

struct ContractReport {
  std::set<std::string> declared;  // methods with a REST form of the services in the table
  std::set<std::string> covered;   // of which requests were compared
  int replies = 0;
  int errors = 0;
};

// Serves the Api on both, to callers without a token, sends the same requests, and expects
// (GoogleTest) the same replies and the same errors: code, message, hint, id and details.
ContractReport transports_agree(const std::shared_ptr<rpc::Api>& api,
                                const ContractOptions& options);

// Serves the Api's REST form and expects that each operation of this OpenAPI document answers a
// stranger something other than 404 and 405. Returns how many were asked.
int operations_are_served(const std::shared_ptr<rpc::Api>& api, const std::string& openapi);

}  // namespace dsl::test
