#include "mcns/api/unchangeable.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "dsl/rpc/descriptors.h"

namespace mcns::api {
namespace {

using dsl::Result;
using dsl::rpc::Method;

// Writes of what is in no database.
constexpr std::array<std::string_view, 3> kElsewhere = {
    "mcns.v1.AdminService.FlushCache",
    "mcns.v1.AdminService.CreateToken",
    "mcns.v1.AdminService.DeleteToken",
};
// Reads of what is in the database alone: to tell of none would be wrong.
constexpr std::array<std::string_view, 3> kLost = {
    "mcns.v1.ZoneService.ListChanges",
    "mcns.v1.AdminService.ListGrants",
    "mcns.v1.AdminService.PreviewSeed",
};

template <class Names>
bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

dsl::Error lost(const dsl::Error& why) {
  dsl::Error out(why.code(), dsl::text("this is in the database alone; {}", why.message()));
  out.set_hint(why.hint());
  return out;
}

Method refusing(Method method, const dsl::Error& why) {
  method.handle = [why](dsl::rpc::CallContext&, const dsl::rpc::Message&,
                        dsl::rpc::MessageSink&) -> Result<void> { return tl::unexpected(why); };
  return method;
}

}  // namespace

dsl::rpc::MethodTable unchangeable_methods(const dsl::rpc::MethodTable& table,
                                           const dsl::Error& why) {
  const auto routes = dsl::rpc::make_routes(table);
  MC_ASSERT(routes.has_value(), "a test asks for the access of every method");
  dsl::rpc::MethodTable out;
  for (const auto& [name, route] : *routes) {
    const bool writes = route.access.class_() == dsl::v1::Access::WRITE;
    if (writes && !contains(kElsewhere, name)) {
      out.insert(refusing(route.method, why));
    } else if (contains(kLost, name)) {
      out.insert(refusing(route.method, lost(why)));
    } else {
      out.insert(route.method);
    }
  }
  return out;
}

}  // namespace mcns::api
