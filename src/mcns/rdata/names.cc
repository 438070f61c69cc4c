// Names inside of rdata, and the canonical form, which is about their case.
#include <algorithm>

#include "mcns/rdata/encodings.h"
#include "mcns/rdata/fields.h"
#include "mcns/rdata/rdata.h"
#include "mcns/wire/rdata_names.h"

namespace mcns {
namespace {

// Where the name of the host stands; nothing for types that point to none.
std::optional<std::size_t> target_at(Type type) {
  switch (type) {
    case Type::kNs:
      return 0;
    case Type::kMx:
    case Type::kSvcb:
    case Type::kHttps:
      return 2;
    case Type::kSrv:
      return 6;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::vector<NameInside> names_inside(Type type, BytesView rdata) {
  std::vector<NameInside> names;
  const TypeInfo* info = find_type_info(type);
  if (info == nullptr) {
    return names;
  }
  const Field* fault =
      each_field(*info, rdata, [&](const Field& field, std::size_t offset, BytesView octets) {
        if (field.kind == FieldKind::kName) {
          names.push_back(
              {.offset = offset, .size = octets.size(), .compressible = info->names_compressible});
        }
      });
  return fault == nullptr ? names : std::vector<NameInside>();
}

Bytes canonical_rdata(Type type, BytesView rdata) {
  Bytes out(rdata);
  const TypeInfo* info = find_type_info(type);
  if (info != nullptr && info->names_lower_case) {
    for (const NameInside& name : names_inside(type, rdata)) {
      const auto begin = out.begin() + static_cast<std::ptrdiff_t>(name.offset);
      std::transform(begin, begin + static_cast<std::ptrdiff_t>(name.size), begin, to_lower);
    }
  }
  return out;
}

std::optional<Name> additional_target(Type type, BytesView rdata) {
  const auto at = target_at(type);
  const auto size = at ? name_size_at(rdata, *at) : std::nullopt;
  // RFC 2782 and RFC 7505: the root says that there is no such service. In SVCB it stands for the
  // owner (RFC 9460 section 2.5), whose addresses are asked for as such.
  if (!size || *size == 1) {
    return std::nullopt;
  }
  auto name = Name::from_wire(rdata.substr(*at, *size));
  return name ? std::optional(std::move(*name)) : std::nullopt;
}

}  // namespace mcns
