// Brings a database back from a replica or from a copy. Plans first; what is live is set aside and
// never written over.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/replica/chain.h"
#include "dsl/replica/envelope.h"
#include "dsl/restore/swap.h"
#include "dsl/result/result.h"

namespace dsl::restore {

struct Request {
  std::string database;              // path of the live database, there or not
  std::vector<std::string> mirrors;  // directories of the configuration
  std::string from;                  // one mirror, or a copy (a file); empty = the best mirror
  std::optional<env::WallTime> at;   // the last commit not after it; empty = the last one
  std::string to;                    // a directory to restore to; empty = in place
  bool allow_gap = false;            // be content with the last commit before damage
};

struct Plan {
  std::string source;  // a mirror's directory, or a copy
  bool is_copy = false;
  replica::Chain chain;            // of a replica
  replica::Position commit;        // that will be reached
  std::vector<std::string> notes;  // what else was found: other mirrors, a torn tail
  std::string destination;         // the database file that will be there
  SetAside set_aside;              // of a restore in place
};

using Progress = std::function<void(int number, int total, const std::string& what)>;

// Reads and checks everything that the restore will need. Errors: kNotFound without any replica,
// kWrongKey, kDataLoss for damage or a gap (unless allowed), kConflict when the database is in use,
// kFailedPrecondition when `at` is before everything.
Result<Plan> make_plan(env::Env& env, const Request& request, const replica::Identities& identities,
                       const Progress& progress);

// Does it. A power cut at any moment leaves the old database, the new one, or neither with a note
// that makes the service refuse to start until the restore has run again.
Result<void> carry_out(env::Env& env, const Request& request, const Plan& plan,
                       const replica::Identities& identities, const Progress& progress);

// The objects of a mirror, and those that wait beside the database for it.
std::unique_ptr<replica::Store> open_mirror(env::Env& env, const std::string& mirror,
                                            const std::string& database);

// The identities in `file`, which open what is encrypted; none for an empty path.
Result<replica::Identities> read_identities(env::Env& env, const std::string& file);

// kConflict when a process has the database open.
Result<void> check_unused(env::Env& env, const std::string& database);

}  // namespace dsl::restore
