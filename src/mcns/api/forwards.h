// Which upstreams are asked for which names: those of the configuration file, and in their place
// those set through the API, which are rows of the database.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/db/database.h"
#include "mcns/cache/cache.h"
#include "mcns/forward/forwarder.h"

namespace mcns::api {

using dsl::Result;

// Of groups that were set through the API and say nothing of these.
struct ForwardDefaults {
  bool random_case = false;
  std::string ca_cert;
};

// Whether those that were set through the API can be read: kDataLoss.
Result<void> check_forwards(dsl::db::Database& database);

// Thread-safe. What it refers to outlives it.
class Forwards {
 public:
  struct Group {
    ForwardGroup group;
    bool configured = false;  // else set through the API
  };
  // What is set; what it leaves out is as the configuration says for all.
  struct Setting {
    ForwardGroup group;
    std::optional<bool> random_case = std::nullopt;
    std::optional<std::string> ca_cert = std::nullopt;
  };
  struct Change {
    std::optional<Group> former;  // what was in use for its zone before, if there was any
    Group now;
  };

  // Without a database, which may be damaged, none are stored, and none can be set.
  // `own_addresses`: where this server is asked itself ("192.0.2.53:53"), which is no upstream.
  Forwards(dsl::db::Database* database, Forwarder& forwarder, Cache& cache,
           std::vector<std::string> own_addresses)
      : database_(database),
        forwarder_(forwarder),
        cache_(cache),
        own_addresses_(std::move(own_addresses)) {}

  // At the start, and when the configuration file has changed: these groups of it with the rows of
  // the database are the forwarder's from now on. What comes from elsewhere than before is
  // forgotten by the cache. An error leaves all as it was.
  Result<void> configure(std::vector<ForwardGroup> configured, ForwardDefaults defaults = {});
  // Reads the authorities of TLS again. An error leaves all as it was.
  Result<void> renew_authorities();

  // In canonical order, those in use only.
  Result<std::vector<Group>> list();
  // Stores the group and uses it. With `dry_run` it is looked at only.
  Result<Change> set(const Setting& setting, bool dry_run);
  // kNotFound; kFailedPrecondition for one of the configuration file. Returns what it was.
  Result<Group> remove(const Name& zone);

 private:
  Result<std::vector<Group>> load(dsl::db::Transaction& tx);
  // Those of the configuration with those that are stored.
  Result<std::vector<Group>> all();
  ForwardGroup with_defaults(const Setting& setting) const;
  // Gives the groups to the forwarder.
  Result<void> use(const std::vector<Group>& groups);

  dsl::db::Database* const database_;  // may be null
  Forwarder& forwarder_;
  Cache& cache_;
  const std::vector<std::string> own_addresses_;
  std::mutex mutex_;  // one change at a time, so that the forwarder has what was committed last
  std::vector<ForwardGroup> configured_;  // guarded by mutex_
  ForwardDefaults defaults_;              // guarded by mutex_
};

}  // namespace mcns::api
