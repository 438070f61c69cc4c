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

// `name`: what the old one is called afterwards; empty = whatever is free.
Result<dsl::restore::SetAside> set_aside_as(dsl::env::Env& env, const std::string& database,
                                            const std::string& name) {
  MC_ASSIGN(dsl::restore::SetAside aside, dsl::restore::what_to_set_aside(env, database));
  if (!name.empty() && aside.name != name) {
    for (auto& [from, to] : aside.moves) {
      to = name + to.substr(aside.name.size());
    }
    aside.name = name;
  }
  return aside;
}

Result<void> replace_database(dsl::env::Env& env, const std::string& fresh,
                              const std::string& database, const std::string& name = "") {
  MC_ASSIGN(const dsl::restore::SetAside aside, set_aside_as(env, database, name));
  return dsl::restore::put_in_place(env, fresh, database, aside);
}

// A database goes with all that belongs to it: log, index, what waits for its mirrors.
Result<std::string> move_database_aside(dsl::env::Env& env, const std::string& database) {
  MC_ASSIGN(const dsl::restore::SetAside aside, dsl::restore::what_to_set_aside(env, database));
  for (const auto& [from, to] : aside.moves) {
    MC_TRY(env.files().rename(from, to));
  }
  MC_TRY(env.files().sync_directory(folder_of(database)));
  return aside.name;
}

// What was set aside under `name` is `database` again, with all that belongs to it.
Result<void> move_database_back(dsl::env::Env& env, const std::string& name,
                                const std::string& database) {
  for (const char* companion : {"", "-wal", "-shm", ".replica"}) {
    MC_ASSIGN(const bool is_there, env.files().exists(name + companion));
    if (is_there) {
      MC_TRY(env.files().rename(name + companion, database + companion));
    }
  }
  return env.files().sync_directory(folder_of(database));
}

// Fails where something is by now: what came after the look is nobody's to remove.
Result<void> rename_to_free(dsl::env::FileSystem& files, const std::string& from,
                            const std::string& to) {
  MC_TRY(files.make_directories(folder_of(to), kPrivate));
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) {
      return fail(Code::kConflict, "{} is there again", to)
          .hint("it was left as it is; run the command again");
    }
    return fail(dsl::env::errno_error(errno, "rename " + from + " to", to));
  }
  MC_TRY(files.sync_directory(folder_of(to)));
  return files.sync_directory(folder_of(from));
}

}  // namespace

Result<void> put_in_place(dsl::env::Env& env, const Move& move) {
  if (move.kind == Move::Kind::kDatabase) {
    return replace_database(env, move.fresh, move.root, move.set_aside);
  }
  if (move.set_aside.empty()) {
    return rename_to_free(env.files(), move.fresh, move.root);
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
  if (move.kind == Move::Kind::kDatabase && move.set_aside.empty()) {
    MC_ASSIGN(back.set_aside, move_database_aside(env, move.root));
  } else if (move.set_aside.empty()) {
    back.set_aside = set_aside;
    MC_TRY(rename_durably(env.files(), move.root, set_aside));
  } else if (move.kind == Move::Kind::kDatabase) {
    // What its log holds goes into the file, which then is all of it. A damaged one comes back as
    // it was.
    const Result<void> checked = dsl::db::Database::check_file(env, move.set_aside);
    if (checked) {
      MC_TRY(replace_database(env, move.set_aside, move.root));
    } else if (checked.error().code() == Code::kDataLoss) {
      MC_ASSIGN(back.set_aside, move_database_aside(env, move.root));
      MC_TRY(move_database_back(env, move.set_aside, move.root));
    } else {
      return tl::unexpected(checked.error());
    }
  } else {
    MC_TRY(exchange(env.files(), move.set_aside, move.root));
  }
  return back;
}

}  // namespace mcp::recovery
