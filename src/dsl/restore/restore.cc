#include "dsl/restore/restore.h"

#include <algorithm>
#include <utility>

#include "dsl/db/database.h"
#include "dsl/env/path.h"
#include "dsl/replica/directory_store.h"
#include "dsl/replica/overlay_store.h"
#include "dsl/replica/rebuild.h"
#include "dsl/replica/sealer.h"

namespace dsl::restore {
namespace {

constexpr std::size_t kIdentityBytesMax = 1u << 20;

// SQLite holds a shared lock on these bytes while a database in WAL mode is open.
// https://www.sqlite.org/fileformat2.html, the lock-byte page
constexpr std::uint64_t kSharedFirst = 0x40000002;
constexpr std::uint64_t kSharedBytes = 510;

constexpr std::size_t kPieceBytes = 1u << 20;
constexpr int kTriesMax = 20;

// One mirror as a source.
struct Candidate {
  std::string mirror;
  std::unique_ptr<replica::Store> store;
  replica::EpochSummary epoch;
  std::uint64_t bytes = 0;  // of segments and tails

  // By what their names say: who is further comes first.
  bool operator<(const Candidate& other) const { return key() > other.key(); }

 private:
  std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::uint64_t> key() const {
    if (epoch.objects.empty()) {
      return {epoch.epoch.number, 0, 0, bytes};
    }
    return {epoch.epoch.number, epoch.objects.back().generation, epoch.objects.back().offset,
            bytes};
  }
};

// The epoch that reaches furthest among those whose base is not after `at`. That is the newest one,
// unless it has nothing but its base yet: then the one before may still have gone on.
Result<std::optional<replica::EpochSummary>> epoch_for(replica::Store& store,
                                                       std::optional<env::WallTime> at,
                                                       const replica::Identities& identities) {
  MC_ASSIGN(auto epochs, replica::list_epochs(store));
  std::optional<replica::EpochSummary> best;
  env::WallTime best_time{};
  for (auto epoch = epochs.rbegin(); epoch != epochs.rend(); ++epoch) {
    if (!epoch->has_base) {
      continue;
    }
    if (at) {
      MC_ASSIGN(const replica::BaseHeader base,
                replica::read_base_header(store, epoch->epoch, identities));
      if (base.time > *at) {
        continue;
      }
    }
    const bool has_begun = !epoch->objects.empty();
    if (!best && has_begun) {
      return std::move(*epoch);
    }
    // Damage there is found, and said, when it is read whole.
    const auto time = replica::last_commit_of(store, *epoch, identities);
    if (!best || (time && *time > best_time)) {
      best_time = time.value_or(env::WallTime());
      best = std::move(*epoch);
    }
    if (has_begun) {
      break;
    }
  }
  return best;
}

Result<std::vector<Candidate>> find_candidates(env::Env& env, const Request& request,
                                               const replica::Identities& identities,
                                               std::vector<std::string>& notes) {
  const std::vector<std::string> mirrors =
      request.from.empty() ? request.mirrors : std::vector<std::string>{request.from};
  std::vector<Candidate> candidates;
  for (const std::string& mirror : mirrors) {
    MC_ASSIGN(const bool there, env.files().exists(mirror));
    if (!there) {
      notes.push_back(mirror + " is not there");
      continue;
    }
    auto store = open_mirror(env, mirror, request.database);
    MC_ASSIGN(auto epoch, epoch_for(*store, request.at, identities));
    if (!epoch) {
      notes.push_back(mirror + (request.at ? " has nothing that old" : " has no replica of it"));
      continue;
    }
    Candidate candidate{.mirror = mirror, .store = std::move(store), .epoch = *std::move(epoch)};
    candidate.bytes = candidate.epoch.segment_bytes;
    candidates.push_back(std::move(candidate));
  }
  std::sort(candidates.begin(), candidates.end());
  return candidates;
}

Error nothing_found(const Request& request, const std::vector<std::string>& notes) {
  const std::string name = env::name_of(request.database);
  Error error(Code::kNotFound, text("there is no replica of {}", name));
  error.set_hint("name a mirror or a copy of the database with --from");
  if (request.at) {
    error = Error(Code::kFailedPrecondition,
                  text("there is no state of {} at {}", name, env::format_time(*request.at)));
    error.set_hint("`replica verify` shows how far back each epoch goes");
  }
  for (const std::string& note : notes) {
    error.add_detail("looked at", note);
  }
  return error;
}

// A break matters when what was asked for may lie behind it.
bool reaches(const replica::Chain& chain, const std::optional<env::WallTime>& at) {
  return !chain.broken || (at && *at <= chain.broken->after);
}

Result<void> plan_from_replica(env::Env& env, const Request& request,
                               const replica::Identities& identities, const Progress& progress,
                               Plan& plan) {
  MC_ASSIGN(const auto candidates, find_candidates(env, request, identities, plan.notes));
  std::optional<Error> damage;
  std::optional<Plan> broken;
  for (const Candidate& candidate : candidates) {
    auto chain = replica::read_chain(
        *candidate.store, candidate.epoch, identities, [&](std::size_t done, std::size_t all) {
          progress(static_cast<int>(done), static_cast<int>(all), "check " + candidate.mirror);
        });
    if (!chain) {
      if (chain.error().code() != Code::kDataLoss) {
        return fail(std::move(chain).error());
      }
      plan.notes.push_back(candidate.mirror + ": " + chain.error().message());
      damage = damage ? damage : std::move(chain).error();
      continue;
    }
    Plan found = plan;
    found.source = candidate.mirror;
    found.chain = *std::move(chain);
    const auto commit = found.chain.newest(request.at);
    MC_ASSERT(commit.has_value(), "its base is not after what was asked for");
    found.commit = *commit;
    if (reaches(found.chain, request.at)) {
      found.notes = plan.notes;
      plan = std::move(found);
      return {};
    }
    plan.notes.push_back(candidate.mirror + ": " + found.chain.broken->to_text());
    // Of several the one that lost least.
    if (!broken || broken->commit.time < found.commit.time) {
      broken = std::move(found);
    }
  }
  if (broken && request.allow_gap) {
    // Its own gap is said by the plan.
    std::erase(plan.notes, broken->source + ": " + broken->chain.broken->to_text());
    broken->notes = plan.notes;
    plan = *std::move(broken);
    return {};
  }
  if (broken) {
    return fail(Code::kDataLoss, "{}: {}", broken->source, broken->chain.broken->to_text())
        .hint("try another mirror with --from, or --allow-gap to stop at the last commit before");
  }
  if (damage) {
    return fail(*std::move(damage)).hint("try another mirror with --from, or an older --at");
  }
  return tl::unexpected(nothing_found(request, plan.notes));
}

Result<void> copy_file(env::FileSystem& files, const std::string& from, const std::string& to) {
  MC_ASSIGN(const auto source, files.open(from, env::OpenMode::kRead));
  MC_ASSIGN(const auto copy, files.open(to, env::OpenMode::kCreateNew, 0600));
  std::vector<std::byte> piece(kPieceBytes);
  for (std::uint64_t offset = 0;;) {
    MC_ASSIGN(const std::size_t size, source->read_at(offset, piece));
    if (size == 0) {
      return copy->sync();
    }
    MC_TRY(copy->write_at(offset, std::span(piece).first(size)));
    offset += size;
  }
}

// Fills a new file with what the plan says. The mirror may be in use: a tail that a segment has
// replaced since is looked for again.
Result<void> fill(env::Env& env, const Request& request, const Plan& plan,
                  const replica::Identities& identities, const Progress& progress,
                  const std::string& path) {
  if (plan.is_copy) {
    // With a log beside it the copy is only whole together with that.
    MC_ASSIGN(const bool has_log, env.files().exists(plan.source + "-wal"));
    if (has_log) {
      MC_TRY(copy_file(env.files(), plan.source + "-wal", path + "-wal"));
    }
    return copy_file(env.files(), plan.source, path);
  }
  const auto store = open_mirror(env, plan.source, request.database);
  replica::Chain chain = plan.chain;
  for (int tries = 0;; ++tries) {
    auto rebuilt =
        replica::rebuild(*store, chain, plan.commit, identities, env.files(), path,
                         [&](std::size_t done, std::size_t all) {
                           progress(static_cast<int>(done), static_cast<int>(all), "replay");
                         });
    if (rebuilt || rebuilt.error().code() != Code::kNotFound || tries == kTriesMax) {
      return rebuilt;
    }
    MC_TRY(env.files().remove(path));
    MC_ASSIGN(const auto epochs, replica::list_epochs(*store));
    for (const replica::EpochSummary& epoch : epochs) {
      if (epoch.epoch == plan.commit.epoch) {
        MC_ASSIGN(chain, replica::read_chain(*store, epoch, identities));
      }
    }
  }
}

}  // namespace

std::unique_ptr<replica::Store> open_mirror(env::Env& env, const std::string& mirror,
                                            const std::string& database) {
  return replica::overlay(replica::directory_store(env, replica::DatabaseFiles{database}.outbox()),
                          replica::directory_store(env, mirror + "/" + env::name_of(database)));
}

Result<replica::Identities> read_identities(env::Env& env, const std::string& file) {
  if (file.empty()) {
    return replica::Identities();
  }
  MC_ASSIGN(const std::string content, env.files().read_file(file, kIdentityBytesMax));
  auto parsed = archive::parse_identities(content);
  return parsed ? std::move(parsed) : fail(std::move(parsed).error()).context(file);
}

Result<void> check_unused(env::Env& env, const std::string& database) {
  MC_ASSIGN(const bool exists, env.files().exists(database));
  if (!exists) {
    return {};
  }
  MC_ASSIGN(const auto file, env.files().open(database, env::OpenMode::kRead));
  MC_ASSIGN(const env::RangeLock held, file->others_lock(kSharedFirst, kSharedBytes));
  if (held != env::RangeLock::kNone) {
    return fail(Code::kConflict, "{} is in use", database)
        .hint("stop its service first, or restore beside it with --to DIRECTORY");
  }
  return {};
}

Result<Plan> make_plan(env::Env& env, const Request& request, const replica::Identities& identities,
                       const Progress& progress) {
  env::FileSystem& files = env.files();
  Plan plan;
  if (request.to.empty()) {
    MC_TRY(check_unused(env, request.database));
    plan.destination = request.database;
    MC_ASSIGN(plan.set_aside, what_to_set_aside(env, request.database));
  } else {
    plan.destination = request.to + "/" + env::name_of(request.database);
    MC_ASSIGN(const bool exists, files.exists(plan.destination));
    if (exists) {
      return fail(Code::kAlreadyExists, "{} exists already", plan.destination)
          .hint("name another directory with --to");
    }
  }
  if (!request.from.empty()) {
    MC_ASSIGN(const env::FileInfo info, files.stat(request.from));
    plan.is_copy = info.kind == env::FileKind::kRegular;
  }
  if (!plan.is_copy) {
    MC_TRY(plan_from_replica(env, request, identities, progress, plan));
    return plan;
  }
  if (request.at) {
    return fail(Code::kInvalidArgument, "{} is one copy: it has no other moments", request.from)
        .hint("leave out --at, or name a mirror with --from");
  }
  plan.source = request.from;
  return plan;
}

Result<void> carry_out(env::Env& env, const Request& request, const Plan& plan,
                       const replica::Identities& identities, const Progress& progress) {
  env::FileSystem& files = env.files();
  if (!request.to.empty()) {
    MC_TRY(files.make_directories(request.to, 0700));
  }
  const std::string fresh = temporary_name(plan.destination);
  MC_TRY(remove_if_there(files, fresh));
  MC_TRY(fill(env, request, plan, identities, progress, fresh));
  progress(0, 0, "check every page");
  MC_TRY(db::Database::check_file(env, fresh));
  if (request.to.empty()) {
    MC_TRY(check_unused(env, request.database));  // it may have been started meanwhile
    return put_in_place(env, fresh, plan.destination, plan.set_aside);
  }
  MC_TRY(files.rename(fresh, plan.destination));
  return files.sync_directory(request.to);
}

}  // namespace dsl::restore
