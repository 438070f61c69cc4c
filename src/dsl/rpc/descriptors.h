// The method table seen through the linked descriptors.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/descriptor.h>

#include "dsl/result/result.h"
#include "dsl/rpc/method_table.h"
#include "dsl/v1/options.pb.h"

namespace dsl::rpc {

// A method with what its declaration says.
struct Route {
  Method method;
  ::dsl::v1::Access access;
};

// The table with the access of each method; the faults of `check_descriptors` otherwise.
Result<std::map<std::string, Route>> make_routes(const MethodTable& table);

// The request messages of the table.
std::vector<const google::protobuf::Descriptor*> request_types(const MethodTable& table);

// "/mcp.v1.AgentService/GetNode" -> "mcp.v1.AgentService.GetNode"; empty when it has another form.
std::string method_of_path(std::string_view path);
// The reverse.
std::string path_of_method(std::string_view method);

}  // namespace dsl::rpc
