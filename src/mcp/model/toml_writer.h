// Writes definitions. Internal to this module.
#pragma once

#include <string>
#include <vector>

#include "mcp/model/model.h"

namespace mcp::model {

// Every key, or, with `defaults`, only those whose value differs there. The components of
// `defaults` are those of `service`, in the same order. `labels`: addresses that are written as
// @label instead of the literal.
std::string write_definition(const Service& service, const Service* defaults,
                             const std::map<std::string, std::string>& labels);

// A TOML string: "..." with escapes.
std::string toml_text(std::string_view text);
std::string toml_list(const std::vector<std::string>& texts);

}  // namespace mcp::model
