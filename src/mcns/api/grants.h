// Grants as rows of the database.
#pragma once

#include <vector>

#include "dsl/db/database.h"
#include "mcns/api/authz.h"

namespace mcns::api {

// By number.
Result<std::vector<Grant>> all_grants(dsl::db::Database& database);
Result<std::vector<Grant>> grants_of(dsl::db::Database& database, const std::string& account);
// `grant` without its number; returns it with one.
Result<Grant> insert_grant(dsl::db::Database& database, Grant grant);
// What it was. kNotFound.
Result<Grant> erase_grant(dsl::db::Database& database, std::int64_t id);

// "*", or "A,TXT"; and "*" for all verbs.
std::string types_text(const std::vector<Type>& types);
std::string verbs_text(const std::vector<Verb>& verbs);

}  // namespace mcns::api
