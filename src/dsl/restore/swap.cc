#include "dsl/restore/swap.h"

#include <algorithm>

#include "dsl/env/path.h"

namespace dsl::restore {
namespace {

// 2026-11-25T10:15:00.000Z as 20261125T101500Z.
std::string compact(env::WallTime time) {
  std::string text = env::format_time(time).substr(0, 19);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text + "Z";
}

std::string note_of(const std::string& database) { return database + ".restoring"; }

Result<bool> any_exists(env::FileSystem& files, const std::string& name,
                        const std::vector<std::string>& companions) {
  for (const std::string& companion : companions) {
    MC_ASSIGN(const bool exists, files.exists(name + companion));
    if (exists) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string temporary_name(const std::string& database) { return database + ".restored"; }

Result<void> remove_if_there(env::FileSystem& files, const std::string& path) {
  for (const char* companion : {"", "-wal", "-shm", "-journal"}) {
    auto removed = files.remove(path + companion);
    if (!removed && removed.error().code() != Code::kNotFound) {
      return removed;
    }
  }
  return {};
}

Result<SetAside> what_to_set_aside(env::Env& env, const std::string& database) {
  env::FileSystem& files = env.files();
  std::string name = database + ".before-restore-" + compact(env.clock().now());
  // A restore that was cut off has moved some already, to the name that its note holds.
  MC_ASSIGN(const bool cut_off, files.exists(note_of(database)));
  if (cut_off) {
    MC_ASSIGN(name, files.read_file(note_of(database)));
  }
  std::vector<std::string> companions;
  for (const char* companion : {".replica", "-shm", "-wal", ""}) {
    MC_ASSIGN(const bool there, files.exists(database + companion));
    if (there) {
      companions.emplace_back(companion);
    }
  }
  SetAside aside{.name = name};
  for (int n = 2;; ++n) {
    MC_ASSIGN(const bool taken, any_exists(files, aside.name, companions));
    if (!taken) {
      break;
    }
    aside.name = text("{}.{}", name, n);
  }
  for (const std::string& companion : companions) {
    aside.moves.emplace_back(database + companion, aside.name + companion);
  }
  return aside;
}

Result<void> put_in_place(env::Env& env, const std::string& fresh, const std::string& database,
                          const SetAside& set_aside) {
  env::FileSystem& files = env.files();
  const std::string folder = env::folder_of(database);
  MC_TRY(files.write_file(note_of(database), set_aside.name, 0600));
  for (const auto& [from, to] : set_aside.moves) {
    MC_ASSIGN(const bool taken, files.exists(to));
    if (taken) {
      return fail(Code::kAlreadyExists, "{} exists already", to)
          .hint("move it away, then run the restore again");
    }
    MC_TRY(files.rename(from, to));
  }
  MC_TRY(files.sync_directory(folder));
  MC_TRY(files.rename(fresh, database));
  MC_TRY(files.sync_directory(folder));
  MC_TRY(files.remove(note_of(database)));
  return files.sync_directory(folder);
}

}  // namespace dsl::restore
