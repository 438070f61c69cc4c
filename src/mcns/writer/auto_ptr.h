// PTR records that follow the addresses of a zone.
#pragma once

#include "mcns/writer/work.h"

namespace mcns::writer {

// The owner of those records, so that nobody else changes them.
inline constexpr const char* kAutoPtr = "auto_ptr";

// "1.2.0.192.in-addr.arpa." (RFC 1035 section 3.5), "...ip6.arpa." (RFC 3596 section 2.5); nothing
// for other types.
std::optional<Name> reverse_name(Type type, BytesView rdata);

// For every A and AAAA record that comes or goes in a zone with auto PTR: its PTR in the reverse
// zone of ours that covers it, if there is one. Names that somebody gave a PTR himself, or that lie
// below a DNAME or are a CNAME, are left alone with a warning; wildcards have none.
dsl::Result<void> maintain_ptr(Work& work);

}  // namespace mcns::writer
