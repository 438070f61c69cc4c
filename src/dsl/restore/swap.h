// Puts a finished database in the place of another one, which is set aside with all that belongs to
// it.
//
// A note beside the database, "<database>.restoring", stands from the first rename to the last: a
// service does not start while it is there, and the next restore goes on where this one was cut
// off.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace dsl::restore {

struct SetAside {
  std::string name;                                        // of the old database
  std::vector<std::pair<std::string, std::string>> moves;  // from, to
};

// The files of a live database that are there, and the names that are free for them:
// "<database>.before-restore-20261125T101500Z", with "-wal" and so on.
Result<SetAside> what_to_set_aside(env::Env& env, const std::string& database);

// Where the new database is made.
std::string temporary_name(const std::string& database);
Result<void> remove_if_there(env::FileSystem& files, const std::string& path);

// `fresh` is synced. Afterwards it bears the name of `database`, durably.
Result<void> put_in_place(env::Env& env, const std::string& fresh, const std::string& database,
                          const SetAside& set_aside);

}  // namespace dsl::restore
