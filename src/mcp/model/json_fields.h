// A resolved service as a Boost.JSON tree, and back. Internal to this module: the header is costly.
#pragma once

#include <boost/json/value.hpp>

#include "dsl/result/result.h"
#include "mcp/model/service.h"

namespace mcp::model {

boost::json::value to_json(const Service& service);
boost::json::value to_json(const Component& component);
boost::json::value to_json(const std::vector<Allocation>& ports);

// Each field must be there, with its type and within its range, and no other.
dsl::Result<Service> service_from(const boost::json::value& json);
dsl::Result<std::vector<Allocation>> allocations_from(const boost::json::value& json);

}  // namespace mcp::model
