// The one translation of SQLite's result codes into an Error with a next step.
#pragma once

#include <string>
#include <string_view>

#include "dsl/result/result.h"

struct sqlite3;

namespace dsl::db {

// Of the last call on `handle`, which returned `status`; "`path`: <SQLite's message>".
Error sqlite_error(sqlite3* handle, int status, const std::string& path);

// kDataLoss for a file that SQLite refuses, or that we found damaged ourselves.
Error damaged_error(const std::string& path, std::string_view finding);

}  // namespace dsl::db
