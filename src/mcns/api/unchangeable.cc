#include "mcns/api/unchangeable.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <google/protobuf/descriptor.h>

#include "dsl/v1/options.pb.h"

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

// As the declaration has it, which a test asks of every method.
bool is_write(const std::string& name) {
  const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  MC_ASSERT(method != nullptr, "a method of the table is declared");
  return method->options().GetExtension(dsl::v1::access).class_() == dsl::v1::Access::WRITE;
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
  dsl::rpc::MethodTable out;
  for (const auto& [name, method] : table.methods()) {
    if (is_write(name) && !contains(kElsewhere, name)) {
      out.insert(refusing(method, why));
    } else if (contains(kLost, name)) {
      out.insert(refusing(method, lost(why)));
    } else {
      out.insert(method);
    }
  }
  return out;
}

}  // namespace mcns::api
