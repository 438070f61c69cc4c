// One field of rdata as text.
#pragma once

#include <string>

#include "mcns/rdata/fields.h"

namespace mcns {

// Appends the presentation form of `octets`, which are all of the field and of its form, with a
// blank before it. Names absolute, or below `origin`.
void append_field(std::string& out, const Field& field, BytesView octets, const Name* origin);

}  // namespace mcns
