// Migrations of the registry.
#pragma once

#include <vector>

#include "dsl/db/database.h"

namespace mcp::agent {

const std::vector<dsl::db::Migration>& registry_migrations();

}  // namespace mcp::agent
