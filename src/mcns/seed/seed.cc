#include "mcns/seed/seed.h"

#include <algorithm>

#include "dsl/env/path.h"
#include "dsl/hash/sha256.h"
#include "dsl/log/log.h"
#include "mcns/seed/files.h"
#include "mcns/seed/plan.h"
#include "mcns/store/record_table.h"
#include "mcns/store/seed_table.h"
#include "mcns/store/zone_table.h"

namespace mcns::seed {
namespace {

using dsl::Result;
using dsl::db::Database;
using dsl::db::Transaction;

const dsl::log::Logger kLogger("seed");

constexpr std::size_t kFileMax = 1u << 30;
constexpr std::size_t kPieceBytes = 1u << 20;
constexpr std::size_t kLinesMax = 10000;  // of a preview

// A file that is not known yet, or has changed.
struct File {
  std::string path;
  std::string hash;
  std::vector<ZoneEntry> zones;
};

Result<std::string> hash_of_content(dsl::env::Env& env, const std::string& path) {
  MC_ASSIGN(const auto file, env.files().open(path, dsl::env::OpenMode::kRead));
  dsl::Sha256 sha256;
  std::vector<std::byte> piece(kPieceBytes);
  for (std::uint64_t at = 0;;) {
    MC_ASSIGN(const std::size_t size, file->read_at(at, piece));
    if (size == 0) {
      return hash_of_file(dsl::env::name_of(path), sha256.finish());
    }
    sha256.add(std::span(piece).first(size));
    at += size;
  }
}

Result<bool> is_known(Database& database, const std::string& hash) {
  return database.read([&](Transaction& tx) { return store::SeedLog(tx).contains(hash); });
}

// Nothing for a file that was applied as a whole, which a restart need not even read twice.
Result<std::optional<File>> open(dsl::env::Env& env, Database& database, const std::string& path) {
  File file{.path = path};
  MC_ASSIGN(file.hash, hash_of_content(env, path));
  MC_ASSIGN(const bool known, is_known(database, file.hash));
  if (known) {
    return std::optional<File>();
  }
  MC_ASSIGN(const std::string content, env.files().read_file(path, kFileMax));
  MC_ASSIGN(file.zones, read_entries(env, path, content));
  if (content.find("$INCLUDE") != std::string::npos) {
    file.hash.clear();  // it says nothing about the other file
  }
  return std::optional(std::move(file));
}

// Calls `use` for every file with entries that may be new; what goes wrong is one of `problems`.
void each_file(dsl::env::Env& env, Database& database, const std::vector<std::string>& paths,
               std::vector<dsl::Error>& problems, const std::function<Result<void>(File&)>& use) {
  for (const std::string& path : paths) {
    const auto files = matching_files(env, path);
    if (!files) {
      problems.push_back(files.error());
      continue;
    }
    for (const std::string& name : *files) {
      auto file = open(env, database, name);
      Result<void> done =
          file ? (*file ? use(**file) : Result<void>()) : tl::unexpected(std::move(file).error());
      if (!done) {
        problems.push_back(std::move(done).error().add_context(name));
      }
    }
  }
}

class Application {
 public:
  Application(dsl::env::Env& env, Database& database, Writer& writer)
      : env_(env), database_(database), writer_(writer) {
    author_.together = [this](Transaction& tx, const Outcome&) { return remember(tx); };
  }

  Result<void> apply(File& file) {
    bool whole = !file.hash.empty();
    for (ZoneEntry& zone : file.zones) {
      MC_ASSIGN(plan_, database_.read([&](Transaction& tx) { return plan(tx, zone); }));
      whole = whole && !plan_.waits;
      MC_TRY(apply(zone));
    }
    if (whole) {
      plan_.settled = {{file.hash, file.path}};
      MC_TRY(database_.write([&](Transaction& tx) { return remember(tx); }));
    }
    return {};
  }

  Report report;

 private:
  Result<void> apply(const ZoneEntry& zone) {
    if (plan_.waits) {
      kLogger.warn("a seed file has records for a zone that is not here",
                   {{"zone", zone.origin.text()}});
      return {};
    }
    // By hash, as the log of seeds is sorted.
    std::sort(plan_.settled.begin(), plan_.settled.end());
    if (plan_.create) {
      MC_TRY(create(zone));
    } else if (!plan_.add.empty()) {
      MC_TRY(add(zone));
    } else if (!plan_.settled.empty()) {
      MC_TRY(database_.write([&](Transaction& tx) { return remember(tx); }));
    }
    report.known += plan_.known;
    report.added += plan_.add.size() + (plan_.create ? 1 : 0);
    report.ignored += plan_.ignored.size();
    return {};
  }

  Result<void> create(const ZoneEntry& zone) {
    std::vector<Record> records;
    records.reserve(plan_.add.size());
    for (const RecordEntry* entry : plan_.add) {
      records.push_back({.name = entry->name,
                         .type = entry->type,
                         .ttl = entry->ttl.value_or(zone.row->default_ttl),
                         .rdata = entry->rdata});
    }
    MC_TRY(writer_.create_zone(author_, *zone.row, std::move(records)));
    return {};
  }

  Result<void> add(const ZoneEntry& zone) {
    Batch batch{.zone = zone.origin};
    MC_TRY(database_.read([&](Transaction& tx) -> Result<void> {
      MC_ASSIGN(const auto row, store::find_zone(tx, zone.origin));
      for (const RecordEntry* entry : plan_.add) {
        Operation operation{.name = entry->name, .type = entry->type, .rdata = {entry->rdata}};
        MC_ASSIGN(const bool is_there, has_rrset(tx, *row, *entry));
        if (!is_there) {
          operation.ttl = entry->ttl;
        }
        batch.operations.push_back(std::move(operation));
      }
      return {};
    }));
    MC_TRY(writer_.apply(author_, batch));
    return {};
  }

  // A seed moves the TTL of nothing that is there.
  static Result<bool> has_rrset(Transaction& tx, const store::ZoneRow& zone,
                                const RecordEntry& entry) {
    if (!entry.name.is_within(zone.origin)) {
      return false;
    }
    MC_ASSIGN(const auto rows, store::records_at(tx, zone, entry.name));
    return std::any_of(rows.begin(), rows.end(),
                       [&](const store::RecordRow& row) { return row.type == entry.type; });
  }

  Result<void> remember(Transaction& tx) {
    store::SeedLog log(tx);
    for (const auto& [hash, text] : plan_.settled) {
      MC_TRY(log.add(hash, text, env_.clock().now()));
    }
    return {};
  }

  dsl::env::Env& env_;
  Database& database_;
  Writer& writer_;
  Author author_{.account = "seed", .source = "seed", .may_touch_others = true};
  Plan plan_;  // of the zone that is being applied
};

std::vector<std::string> lines_of(const ZoneEntry& zone, const Plan& plan) {
  std::vector<std::string> lines;
  if (plan.waits) {
    lines.push_back(dsl::text("? zone {} is not here: its {} records wait for it",
                              zone.origin.text(), zone.records.size()));
    return lines;
  }
  if (plan.create) {
    lines.push_back(dsl::text("+ zone {}", zone.origin.text()));
  }
  for (const RecordEntry* record : plan.add) {
    lines.push_back(dsl::text("+ {}", text(*record)));
  }
  for (const std::string& ignored : plan.ignored) {
    lines.push_back(dsl::text("= {}", ignored));
  }
  return lines;
}

void add_problem(std::vector<std::string>& lines, const dsl::Error& problem) {
  lines.push_back(dsl::text("! {}", problem.message()));
  for (const dsl::Detail& detail : problem.details()) {
    lines.push_back(dsl::text("!   {}: {}", detail.where, detail.message));
  }
}

}  // namespace

Result<Report> apply(dsl::env::Env& env, const std::vector<std::string>& paths, Database& database,
                     Writer& writer) {
  Application application(env, database, writer);
  std::vector<dsl::Error> problems;
  each_file(env, database, paths, problems, [&](File& file) { return application.apply(file); });
  Report report = std::move(application.report);
  report.problems = std::move(problems);
  for (const dsl::Error& problem : report.problems) {
    kLogger.failure(dsl::log::Level::kError, "a seed file was not applied", problem);
  }
  if (report.added + report.ignored > 0) {
    kLogger.info("seed files were applied",
                 {{"added", report.added}, {"ignored", report.ignored}, {"known", report.known}});
  }
  return report;
}

Result<std::vector<std::string>> preview(dsl::env::Env& env, const std::vector<std::string>& paths,
                                         Database& database) {
  std::vector<std::string> lines;
  std::vector<dsl::Error> problems;
  each_file(env, database, paths, problems, [&](File& file) -> Result<void> {
    for (const ZoneEntry& zone : file.zones) {
      MC_ASSIGN(const Plan planned, database.read([&](Transaction& tx) { return plan(tx, zone); }));
      std::vector<std::string> more = lines_of(zone, planned);
      std::move(more.begin(), more.end(), std::back_inserter(lines));
    }
    return {};
  });
  if (lines.size() > kLinesMax) {
    const std::size_t left = lines.size() - kLinesMax;
    lines.resize(kLinesMax);
    lines.push_back(dsl::text("and {} lines more", left));
  }
  for (const dsl::Error& problem : problems) {
    add_problem(lines, problem);
  }
  return lines;
}

}  // namespace mcns::seed
