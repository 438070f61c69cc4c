// The one translation of SQLite's result codes into an Error with a next step.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dsl/result/result.h"

struct sqlite3;

namespace dsl::db {

// Of the last call on `handle`, which returned `status`; "`path`: <SQLite's message>". For a file
// that could not be opened, read or written it is `cause`, the error of the environment.
Error sqlite_error(sqlite3* handle, int status, const std::string& path,
                   const std::optional<Error>& cause = std::nullopt);

// kDataLoss for a file that SQLite refuses, or that we found damaged ourselves.
Error damaged_error(const std::string& path, std::string_view finding);

}  // namespace dsl::db
