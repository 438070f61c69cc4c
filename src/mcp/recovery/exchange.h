// Puts what a restore has made in the place of what is there, which is set aside; and takes that
// back. Private to mcp::recovery.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace mcp::recovery {

using dsl::Result;

struct Move {
  enum class Kind {
    kTree,      // a directory or a file
    kDatabase,  // with a log of its own beside it, which goes with it
  };
  Kind kind = Kind::kTree;
  std::string unit;
  std::string fresh;      // what was made; durable
  std::string root;       // where it shall be
  std::string set_aside;  // where what is there goes; empty = nothing is there
};

// All in one step for a tree; for a database as dsl::restore has it. A cut leaves the old or the
// new at `root`, or a database that its service refuses until the restore has run again.
Result<void> put_in_place(dsl::env::Env& env, const Move& move);

// Names of records: the prefix, the time, the suffix.
inline constexpr std::string_view kRecordPrefix = "restore-";
inline constexpr std::string_view kRecordSuffix = ".json";
// The record that `undo` goes by, as JSON.
std::string record_of(const std::string& point, const std::vector<Move>& moves);
// kDataLoss for another text.
Result<std::vector<Move>> parse_record(const std::string& text);
// The old one at `root` again; `set_aside` is then where the restored one went.
Result<Move> take_back(dsl::env::Env& env, const Move& move, const std::string& set_aside);

}  // namespace mcp::recovery
