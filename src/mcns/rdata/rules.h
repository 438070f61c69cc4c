// What holds between the fields of a type. Rdata are of the form of their fields already.
#pragma once

#include "dsl/result/result.h"
#include "mcns/wire/name.h"

namespace mcns {

dsl::Result<void> check_ds(BytesView rdata);      // and CDS
dsl::Result<void> check_dnskey(BytesView rdata);  // and CDNSKEY
dsl::Result<void> check_sshfp(BytesView rdata);
dsl::Result<void> check_tlsa(BytesView rdata);  // and SMIMEA
dsl::Result<void> check_zonemd(BytesView rdata);
dsl::Result<void> check_svcb(BytesView rdata);  // and HTTPS

}  // namespace mcns
