#include "mcns/rdata/fields.h"
#include "mcns/rdata/rdata.h"

namespace mcns {

using dsl::Code;
using dsl::fail;
using dsl::Result;

Result<void> check_rdata(Type type, BytesView rdata) {
  if (rdata.size() > 65535) {
    return fail(Code::kInvalidArgument,
                "{}: the data have {} octets, but at most 65535 are possible", text(type),
                rdata.size());
  }
  const TypeInfo* info = find_type_info(type);
  if (info == nullptr) {
    return {};
  }
  const Field* fault = each_field(*info, rdata, [](const Field&, std::size_t, BytesView) {});
  if (fault != nullptr && fault->kind == FieldKind::kEnd) {
    return fail(Code::kInvalidArgument, "{}: octets are left over behind the last field",
                text(type));
  }
  if (fault != nullptr) {
    return fail(Code::kInvalidArgument, "{}: the octets of the {} are not {}", text(type),
                fault->name, allowed_text(fault->kind));
  }
  return info->check == nullptr ? Result<void>()
                                : dsl::with_context(info->check(rdata), text(type));
}

}  // namespace mcns
