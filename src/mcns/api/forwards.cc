#include "mcns/api/forwards.h"

#include <algorithm>
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

Result<ForwardGroup> group_from(const Row& row) {
  ForwardGroup group;
  MC_ASSIGN(group.zone, Name::parse(row.text(0)));
  MC_ASSIGN(group.upstreams, parted(row.text(1)));
  MC_ASSIGN(group.fallback, parted(row.text(2)));
  group.policy = parse_forward_policy(row.text(3)).value_or(ForwardPolicy::kOrdered);
  return group;
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

Result<void> Forwards::configure(std::vector<ForwardGroup> configured, ForwardDefaults defaults) {
  const std::lock_guard lock(mutex_);
  ForwardDefaults former_defaults = std::exchange(defaults_, std::move(defaults));
  std::vector<ForwardGroup> former = std::exchange(configured_, std::move(configured));
  Result<std::vector<Group>> groups = database_.read([&](Transaction& tx) { return load(tx); });
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
  MC_ASSIGN(const std::vector<Group> groups,
            database_.read([&](Transaction& tx) { return load(tx); }));
  return use(groups);
}

Result<std::vector<Forwards::Group>> Forwards::list() {
  const std::lock_guard lock(mutex_);
  return database_.read([&](Transaction& tx) { return load(tx); });
}

Result<std::optional<Forwards::Group>> Forwards::set(const ForwardGroup& group, bool dry_run) {
  const std::lock_guard lock(mutex_);
  MC_ASSIGN(const std::vector<Group> before,
            database_.read([&](Transaction& tx) { return load(tx); }));
  const auto at = find(before, group.zone);
  const std::optional<Group> former = at == before.end() ? std::nullopt : std::optional(*at);
  if (dry_run) {
    return former;
  }
  std::vector<Group> after = before;
  put(after, {with_defaults(group), false});
  // First where mistakes are found; what cannot be stored is then not used either.
  MC_TRY(use(after));
  const Result<void> stored = database_.write([&](Transaction& tx) {
    return tx.run(
        "INSERT OR REPLACE INTO forwards(zone, upstreams, fallback, policy) VALUES(?, ?, ?, ?)",
        group.zone.text(), joined(group.upstreams), joined(group.fallback), text(group.policy));
  });
  if (!stored) {
    MC_TRY(use(before));
    return tl::unexpected(stored.error());
  }
  (void)cache_.flush(group.zone.wire(), true);
  return former;
}

Result<Forwards::Group> Forwards::remove(const Name& zone) {
  const std::lock_guard lock(mutex_);
  MC_ASSIGN(const std::vector<Group> before,
            database_.read([&](Transaction& tx) { return load(tx); }));
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
            database_.write([&](Transaction& tx) -> Result<std::vector<Group>> {
              MC_TRY(tx.run("DELETE FROM forwards WHERE zone = ?", zone.text()));
              return load(tx);
            }));
  MC_TRY(use(after));
  (void)cache_.flush(zone.wire(), true);
  return former;
}

Result<std::vector<Forwards::Group>> Forwards::load(Transaction& tx) {
  std::vector<Group> groups;
  for (const ForwardGroup& group : configured_) {
    put(groups, {group, true});
  }
  MC_TRY(tx.query(
      "SELECT zone, upstreams, fallback, policy FROM forwards", [&](Row& row) -> Result<void> {
        MC_ASSIGN(ForwardGroup group, dsl::with_context(group_from(row), "a stored forward"));
        put(groups, {with_defaults(std::move(group)), false});
        return {};
      }));
  std::sort(groups.begin(), groups.end(),
            [](const Group& a, const Group& b) { return a.group.zone < b.group.zone; });
  return groups;
}

ForwardGroup Forwards::with_defaults(ForwardGroup group) const {
  group.random_case = defaults_.random_case;
  for (auto* upstreams : {&group.upstreams, &group.fallback}) {
    for (Upstream& upstream : *upstreams) {
      upstream.ca_cert = defaults_.ca_cert;
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
