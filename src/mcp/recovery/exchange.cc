#include "mcp/recovery/exchange.h"

#include <cerrno>

#include <boost/json.hpp>
#include <fcntl.h>
#include <stdio.h>

#include "dsl/db/database.h"
#include "dsl/env/errno_error.h"
#include "dsl/env/path.h"
#include "dsl/restore/swap.h"

namespace mcp::recovery {

namespace json = boost::json;
using dsl::Code;
using dsl::fail;
using dsl::env::folder_of;

namespace {

constexpr std::uint32_t kPrivate = 0700;

// The two names change places, in one step.
Result<void> exchange(dsl::env::FileSystem& files, const std::string& a, const std::string& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) != 0) {
    return fail(dsl::env::errno_error(errno, "exchange with " + a, b))
        .hint("both have to lie in one file system, and neither may be a mount point");
  }
  MC_TRY(files.sync_directory(folder_of(a)));
  return files.sync_directory(folder_of(b));
}

Result<void> rename_durably(dsl::env::FileSystem& files, const std::string& from,
                            const std::string& to) {
  MC_TRY(files.make_directories(folder_of(to), kPrivate));
  MC_TRY(files.rename(from, to));
  MC_TRY(files.sync_directory(folder_of(to)));
  return files.sync_directory(folder_of(from));
}

Result<void> replace_database(dsl::env::Env& env, const std::string& fresh,
                              const std::string& database) {
  MC_ASSIGN(const dsl::restore::SetAside aside, dsl::restore::what_to_set_aside(env, database));
  return dsl::restore::put_in_place(env, fresh, database, aside);
}

}  // namespace

Result<void> put_in_place(dsl::env::Env& env, const Move& move) {
  if (move.kind == Move::Kind::kDatabase) {
    return replace_database(env, move.fresh, move.root);
  }
  if (move.set_aside.empty()) {
    return rename_durably(env.files(), move.fresh, move.root);
  }
  // Under the name that the old one shall have, the two change places.
  MC_TRY(rename_durably(env.files(), move.fresh, move.set_aside));
  return exchange(env.files(), move.set_aside, move.root);
}

std::string record_of(const std::string& point, const std::vector<Move>& moves) {
  json::array rows;
  for (const Move& move : moves) {
    rows.push_back({{"unit", move.unit},
                    {"kind", move.kind == Move::Kind::kDatabase ? "database" : "tree"},
                    {"root", move.root},
                    {"set_aside", move.set_aside}});
  }
  return json::serialize(json::object{{"point", point}, {"moves", rows}}) + "\n";
}

Result<std::vector<Move>> parse_record(const std::string& text) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  const json::object* object = document.if_object();
  const json::value* rows = object == nullptr ? nullptr : object->if_contains("moves");
  if (error || rows == nullptr || !rows->is_array()) {
    return fail(Code::kDataLoss, "it is no record of a restore");
  }
  std::vector<Move> moves;
  for (const json::value& row : rows->get_array()) {
    const auto member = [&](const char* name) {
      const json::value* value = row.is_object() ? row.get_object().if_contains(name) : nullptr;
      return value != nullptr && value->is_string() ? std::string(value->get_string())
                                                    : std::string();
    };
    Move move{.kind = member("kind") == "database" ? Move::Kind::kDatabase : Move::Kind::kTree,
              .unit = member("unit"),
              .root = member("root"),
              .set_aside = member("set_aside")};
    if (!move.root.starts_with('/')) {
      return fail(Code::kDataLoss, "it is no record of a restore");
    }
    moves.push_back(std::move(move));
  }
  return moves;
}

Result<Move> take_back(dsl::env::Env& env, const Move& move, const std::string& set_aside) {
  Move back = move;
  if (move.set_aside.empty()) {
    back.set_aside = set_aside;
    MC_TRY(rename_durably(env.files(), move.root, set_aside));
  } else if (move.kind == Move::Kind::kDatabase) {
    // What its log holds goes into the file, which then is all of it.
    MC_TRY(dsl::db::Database::check_file(env, move.set_aside));
    MC_TRY(replace_database(env, move.set_aside, move.root));
  } else {
    MC_TRY(exchange(env.files(), move.set_aside, move.root));
  }
  return back;
}

}  // namespace mcp::recovery
