// What this node knows of its backups: points, where copies of them lie, and how the last runs
// went. A cache, but for the chain: points can be read again from any target.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dsl/db/database.h"
#include "dsl/env/env.h"
#include "mcp/recovery/manifest.h"

namespace mcp::recovery {

inline constexpr const char* kRecordsName = "recovery.db";

struct PointRow {
  std::string id;
  std::int64_t sequence = 0;
  std::string node;
  std::int64_t begun_ms = 0;
  std::string kind = "manual";  // manual, scheduled, pre-upgrade
  std::uint64_t bytes = 0;      // of the archive
  std::uint64_t content_bytes = 0;
  std::int64_t files = 0;
  std::vector<std::string> units;
  Extent extent = Extent::kPartial;
  std::string manifest_sha256;
  std::int64_t keep_until_ms = 0;  // pinned until then; 0 = the rules alone decide
};

struct CopyRow {
  std::string point;
  std::string target;            // url
  std::int64_t pushed_ms = 0;    // 0 = it did not get there
  std::int64_t verified_ms = 0;  // 0 = never
  std::string error;             // of the last push or verification; empty = in order
};

struct RunRow {
  std::int64_t begun_ms = 0;
  std::int64_t ended_ms = 0;
  std::string kind;
  std::string point;  // empty = none was made
  std::string error;  // empty = all is well
};

// Thread-safe. Every write is durable when it returns.
class Records {
 public:
  static Result<std::unique_ptr<Records>> open(dsl::env::Env& env, const std::string& path);
  // Beside a process that may be writing.
  static Result<std::unique_ptr<Records>> open_as_guest(dsl::env::Env& env,
                                                        const std::string& path);

  // Of the next point: one more than any before, and the newest point.
  struct Next {
    std::int64_t sequence = 1;
    Predecessor previous;
  };
  Result<Next> next();

  Result<void> put_point(const PointRow& row);
  Result<void> put_copy(const CopyRow& row);
  Result<void> remove_copy(const std::string& point, const std::string& target);
  Result<std::vector<PointRow>> points();  // newest first
  Result<std::vector<CopyRow>> copies();
  Result<void> add_run(const RunRow& row);  // the last 100 are kept
  Result<std::vector<RunRow>> runs();       // newest first

 private:
  explicit Records(std::unique_ptr<dsl::db::Database> db) : db_(std::move(db)) {}
  static Result<std::unique_ptr<Records>> open(dsl::env::Env& env, const std::string& path,
                                               bool owner);
  std::unique_ptr<dsl::db::Database> db_;
};

}  // namespace mcp::recovery
