#include "mcns/rdata/encodings.h"
#include "mcns/rdata/rdata.h"

namespace mcns {

using dsl::Result;

Result<Soa> Soa::parse(BytesView rdata) {
  MC_TRY(check_rdata(Type::kSoa, rdata));
  const std::vector<NameInside> names = names_inside(Type::kSoa, rdata);
  Soa soa;
  MC_ASSIGN(soa.primary_ns, Name::from_wire(rdata.substr(names[0].offset, names[0].size)));
  MC_ASSIGN(soa.admin_email, Name::from_wire(rdata.substr(names[1].offset, names[1].size)));
  const BytesView numbers = rdata.substr(names[1].offset + names[1].size);
  soa.serial = get32(numbers, 0);
  soa.refresh_s = get32(numbers, 4);
  soa.retry_s = get32(numbers, 8);
  soa.expire_s = get32(numbers, 12);
  soa.minimum_ttl_s = get32(numbers, 16);
  return soa;
}

Bytes Soa::rdata() const {
  Bytes out = primary_ns.wire() + admin_email.wire();
  for (const std::uint32_t number : {serial, refresh_s, retry_s, expire_s, minimum_ttl_s}) {
    put32(out, number);
  }
  return out;
}

}  // namespace mcns
