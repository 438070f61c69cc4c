#include "dsl/rpc/method_table.h"

namespace dsl::rpc {

void MethodTable::insert(Method method) {
  MC_ASSERT(method.handle != nullptr, "a method has a handler");
  std::string name = method.name;
  const bool added = methods_.emplace(std::move(name), std::move(method)).second;
  MC_ASSERT(added, "a method is in the table once");
}

bool Caller::has_role(std::string_view role) const {
  for (const std::string& own : roles) {
    if (own == role) {
      return true;
    }
  }
  return false;
}

}  // namespace dsl::rpc
