// Which entries of seed files were applied already.
#pragma once

#include <string>
#include <string_view>

#include "dsl/db/database.h"

namespace mcns::store {

// Confined to the transaction, which outlives it.
class SeedLog {
 public:
  explicit SeedLog(dsl::db::Transaction& tx);

  dsl::Result<bool> contains(std::string_view hash);
  // `entry` is for people. Nothing happens when it is there already. By rising hashes it is quick.
  dsl::Result<void> add(std::string_view hash, std::string_view entry, dsl::env::WallTime at);

 private:
  dsl::db::Statement find_;
  dsl::db::Statement insert_;
};

}  // namespace mcns::store
