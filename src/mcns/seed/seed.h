// What a first start serves: zones and records of seed files, each applied at most once.
//
// An entry (a zone, or a record) that was applied is remembered. So a restart changes nothing, a
// record that an operator deleted does not come back, and one that is new in a file is added at the
// next start. What is there already, or has something else in its way, is left as it is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/db/database.h"
#include "dsl/env/env.h"
#include "mcns/writer/writer.h"

namespace mcns::seed {

struct Report {
  std::uint64_t added = 0;    // zones and records
  std::uint64_t ignored = 0;  // there already, or something is in the way
  std::uint64_t known = 0;    // applied at an earlier start
  // Files that cannot be read or understood, and writes that failed; all else was applied.
  std::vector<dsl::Error> problems;
};

// `paths` are files, their last part perhaps with * and ?; what is not there is none. Problems are
// logged: a name server starts and answers with what it has. Fails only when the database cannot be
// read.
dsl::Result<Report> apply(dsl::env::Env& env, const std::vector<std::string>& paths,
                          dsl::db::Database& database, Writer& writer);

// What `apply` would do, a line each: "+ www.example.test. A 192.0.2.1". Changes nothing.
dsl::Result<std::vector<std::string>> preview(dsl::env::Env& env,
                                              const std::vector<std::string>& paths,
                                              dsl::db::Database& database);

}  // namespace mcns::seed
