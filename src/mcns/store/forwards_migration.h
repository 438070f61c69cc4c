// Forwards get settings of their own.
#pragma once

#include <string_view>

namespace mcns::store {

// NULL: as the configuration has it for all.
inline constexpr std::string_view kForwardsMigration = R"sql(
ALTER TABLE forwards ADD COLUMN random_case INTEGER CHECK(random_case IN (0, 1));
ALTER TABLE forwards ADD COLUMN ca_cert TEXT;
)sql";

}  // namespace mcns::store
