// The error catalogue: every doctor finding, API error and boot failure has a stable code
// MCP-nnnn that `mcp explain` tells more about. The advice never includes deleting a database.
#pragma once

#include <span>
#include <string_view>

#include "mcp/model/codes.h"

namespace mcp::model {

struct CatalogueEntry {
  std::string_view code;     // "MCP-0301"
  std::string_view title;    // one line
  std::string_view meaning;  // what happened and why
  std::string_view fix;      // the way out, commands included
  std::string_view check;    // doctor's id ("uid.pinned"); empty for what is not a check
};

std::span<const CatalogueEntry> catalogue();
// nullptr when there is none. Accepts "MCP-0301", "mcp-0301", "0301", "301".
const CatalogueEntry* explain(std::string_view code);
// The entry of one of doctor's checks ("port53"); nullptr when there is none.
const CatalogueEntry* explain_check(std::string_view check);

}  // namespace mcp::model
