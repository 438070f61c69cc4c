#include "mcns/api/forwards.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "mcns/api/fields.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;
using dsl::db::Row;
using dsl::db::Transaction;

namespace {

std::string joined(const std::vector<Upstream>& upstreams) {
  std::string out;
  for (const Upstream& upstream : upstreams) {
    out += (out.empty() ? "" : ",") + upstream.text();
  }
  return out;
}

Result<std::vector<Upstream>> parted(std::string_view text) {
  std::vector<Upstream> upstreams;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    MC_ASSIGN(Upstream upstream, Upstream::parse(text.substr(0, comma)));
    upstreams.push_back(std::move(upstream));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return upstreams;
}

Result<Forwards::Setting> setting_from(const Row& row) {
  Forwards::Setting setting;
  MC_ASSIGN(setting.group.zone, Name::parse(row.text(0)));
  MC_ASSIGN(setting.group.upstreams, parted(row.text(1)));
  MC_ASSIGN(setting.group.fallback, parted(row.text(2)));
  setting.group.policy = parse_forward_policy(row.text(3)).value_or(ForwardPolicy::kOrdered);
  if (!row.is_null(4)) {
    setting.random_case = row.integer(4) != 0;
  }
  if (!row.is_null(5)) {
    setting.ca_cert = row.text(5);
  }
  return setting;
}

Result<void> each_stored(Transaction& tx,
                         const std::function<void(const Forwards::Setting&)>& use) {
  return tx.query("SELECT zone, upstreams, fallback, policy, random_case, ca_cert FROM forwards",
                  [&](Row& row) -> Result<void> {
                    const Result<Forwards::Setting> setting = setting_from(row);
                    if (!setting) {
                      return fail(Code::kDataLoss, "the stored forward for {}: {}", row.text(0),
                                  setting.error().message())
                          .hint("put back a snapshot of the database");
                    }
                    use(*setting);
                    return {};
                  });
}

dsl::Failure without_database() {
  return fail(Code::kFailedPrecondition, "forwards are stored in the database, which is not there")
      .hint("put it back with `mcns restore`; or name them in the configuration file");
}

template <class Groups>
auto find(Groups& groups, const Name& zone) {
  return std::find_if(groups.begin(), groups.end(),
                      [&](const auto& known) { return known.group.zone == zone; });
}

// The group takes the place of the one of its zone.
void put(std::vector<Forwards::Group>& groups, Forwards::Group group) {
  if (const auto at = find(groups, group.group.zone); at != groups.end()) {
    *at = std::move(group);
  } else {
    groups.push_back(std::move(group));
  }
}

}  // namespace

Result<void> check_forwards(dsl::db::Database& database) {
  return database.read(
      [](Transaction& tx) { return each_stored(tx, [](const Forwards::Setting&) {}); });
}

Result<void> Forwards::configure(std::vector<ForwardGroup> configured, ForwardDefaults defaults) {
  const std::lock_guard lock(mutex_);
  ForwardDefaults former_defaults = std::exchange(defaults_, std::move(defaults));
  std::vector<ForwardGroup> former = std::exchange(configured_, std::move(configured));
  Result<std::vector<Group>> groups = all();
  Result<void> used = groups ? use(*groups) : tl::unexpected(std::move(groups).error());
  if (!used) {
    configured_ = std::move(former);
    defaults_ = std::move(former_defaults);
    return used;
  }
  (void)cache_.flush(Name().wire(), true);
  return {};
}

Result<void> Forwards::renew_authorities() {
  const std::lock_guard lock(mutex_);
  MC_ASSIGN(const std::vector<Group> groups, all());
  return use(groups);
}

Result<std::vector<Forwards::Group>> Forwards::list() {
  const std::lock_guard lock(mutex_);
  return all();
}

Result<Forwards::Change> Forwards::set(const Setting& setting, bool dry_run) {
  const std::lock_guard lock(mutex_);
  if (database_ == nullptr) {
    return without_database();
  }
  MC_ASSIGN(const std::vector<Group> before, all());
  const ForwardGroup& group = setting.group;
  const auto at = find(before, group.zone);
  Change change{.former = at == before.end() ? std::nullopt : std::optional(*at),
                .now = {with_defaults(setting), false}};
  if (dry_run) {
    return change;
  }
  std::vector<Group> after = before;
  put(after, change.now);
  // First where mistakes are found; what cannot be stored is then not used either.
  MC_TRY(use(after));
  const Result<void> stored = database_->write([&](Transaction& tx) {
    return tx.run(
        "INSERT OR REPLACE INTO forwards(zone, upstreams, fallback, policy, random_case, ca_cert) "
        "VALUES(?, ?, ?, ?, ?, ?)",
        group.zone.text(), joined(group.upstreams), joined(group.fallback), text(group.policy),
        setting.random_case, setting.ca_cert);
  });
  if (!stored) {
    MC_TRY(use(before));
    return tl::unexpected(stored.error());
  }
  (void)cache_.flush(group.zone.wire(), true);
  return change;
}

Result<Forwards::Group> Forwards::remove(const Name& zone) {
  const std::lock_guard lock(mutex_);
  if (database_ == nullptr) {
    return without_database();
  }
  MC_ASSIGN(const std::vector<Group> before, all());
  const auto at = find(before, zone);
  if (at == before.end()) {
    return fail(Code::kNotFound, "there is no forward for {}", zone.text())
        .hint("mcns forward list shows them");
  }
  if (at->configured) {
    return fail(Code::kFailedPrecondition, "the forward for {} is in the configuration file",
                zone.text())
        .hint(
            "change the file, then send SIGHUP; or set another one in its place: mcns forward set");
  }
  const Group& former = *at;
  MC_ASSIGN(const std::vector<Group> after,
            database_->write([&](Transaction& tx) -> Result<std::vector<Group>> {
              MC_TRY(tx.run("DELETE FROM forwards WHERE zone = ?", zone.text()));
              return load(tx);
            }));
  MC_TRY(use(after));
  (void)cache_.flush(zone.wire(), true);
  return former;
}

Result<std::vector<Forwards::Group>> Forwards::all() {
  if (database_ != nullptr) {
    return database_->read([&](Transaction& tx) { return load(tx); });
  }
  std::vector<Group> groups;
  for (const ForwardGroup& group : configured_) {
    put(groups, {group, true});
  }
  return groups;
}

Result<std::vector<Forwards::Group>> Forwards::load(Transaction& tx) {
  std::vector<Group> groups;
  for (const ForwardGroup& group : configured_) {
    put(groups, {group, true});
  }
  MC_TRY(each_stored(tx, [&](const Setting& setting) {
    put(groups, {with_defaults(setting), false});
  }));
  std::sort(groups.begin(), groups.end(),
            [](const Group& a, const Group& b) { return a.group.zone < b.group.zone; });
  return groups;
}

ForwardGroup Forwards::with_defaults(const Setting& setting) const {
  ForwardGroup group = setting.group;
  group.random_case = setting.random_case.value_or(defaults_.random_case);
  for (auto* upstreams : {&group.upstreams, &group.fallback}) {
    for (Upstream& upstream : *upstreams) {
      upstream.ca_cert = setting.ca_cert.value_or(defaults_.ca_cert);
    }
  }
  return group;
}

Result<void> Forwards::use(const std::vector<Group>& groups) {
  std::vector<ForwardGroup> all;
  all.reserve(groups.size());
  for (const Group& group : groups) {
    all.push_back(group.group);
  }
  return forwarder_.set_groups(std::move(all), own_addresses_);
}

}  // namespace mcns::api
