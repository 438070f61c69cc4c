#include "mcns/api/status.h"

#include <algorithm>
#include <map>

#include "dsl/service/version.h"
#include "mcns/api/convert.h"
#include "mcns/api/fields.h"

namespace mcns::api {

namespace {

pb::UpstreamStatus to_proto(const UpstreamState& state) {
  pb::UpstreamStatus out;
  out.set_upstream(state.upstream);
  out.set_group(state.group);
  out.set_state(state.state);
  out.set_fallback(state.fallback);
  out.set_rtt_ms(state.rtt_ms);
  out.set_asked(state.asked);
  out.set_failed(state.failed);
  out.set_other_case(state.other_case);
  out.set_trouble(state.trouble);
  return out;
}

// A group with nobody left to ask, and every upstream that turned out to be ourselves.
void add_upstream_problems(const std::vector<UpstreamState>& states, pb::Status& status) {
  std::map<std::string, bool> alive;  // by group
  for (const UpstreamState& state : states) {
    const bool usable = state.state == "up" || state.state == "unknown";
    alive[state.group] = alive[state.group] || usable;
    if (state.state == "loop") {
      status.add_problems(
          dsl::text("upstream {} is this server itself, and is not asked", state.upstream));
    }
  }
  for (const auto& [group, any] : alive) {
    if (!any) {
      status.add_problems(group == "." ? "all upstreams are down"
                                       : dsl::text("all upstreams of {} are down", group));
    }
  }
}

void add_replica(Services& services, pb::Status& status) {
  if (!services.database.replica_status()) {
    status.set_replica("none");
    return;
  }
  const Result<void> health = services.database.replica_health();
  status.set_replica(health ? "in step" : health.error().message());
  if (!health) {
    status.add_problems(dsl::text("the replica: {}", health.error().message()));
  }
}

void add_lines(const std::function<std::vector<std::string>()>& hook,
               google::protobuf::RepeatedPtrField<std::string>& lines) {
  if (hook) {
    for (const std::string& line : hook()) {
      *lines.Add() = line;
    }
  }
}

void add_zones(Services& services, pb::Status& status) {
  zone::Reader reader(services.resolver.zones);
  const zone::Pin version(reader);
  for (const auto& zone : version->zones()) {
    *status.add_zones() = zone_status(*zone, services.env.clock().now());
  }
}

}  // namespace

pb::CacheReport cache_report(const Cache& cache) {
  const CacheStats stats = cache.stats();
  pb::CacheReport out;
  out.set_hits(stats.hits);
  out.set_misses(stats.misses);
  out.set_stale(stats.stale);
  out.set_entries(stats.entries);
  out.set_bytes(stats.bytes);
  out.set_evictions(stats.evictions);
  return out;
}

pb::ZoneStatus zone_status(const zone::Zone& zone, dsl::env::WallTime now) {
  pb::ZoneStatus out;
  out.set_name(zone_text(zone.origin()));
  out.set_serial(zone.serial());
  out.set_serial_ahead(serial_ahead(zone.serial(), now));
  out.set_names(zone.names());
  out.set_records(zone.records());
  return out;
}

pb::Status status_of(Services& services) {
  pb::Status status;
  status.set_version(dsl::build_info().version);
  status.set_started_ms(to_ms(services.started));
  add_lines(services.hooks.dns_listeners, *status.mutable_dns_listeners());
  add_lines(services.hooks.api_listeners, *status.mutable_api_listeners());
  add_lines(services.hooks.problems, *status.mutable_problems());
  add_zones(services, status);
  if (services.resolver.forwarder != nullptr) {
    const std::vector<UpstreamState> upstreams = services.resolver.forwarder->upstreams();
    for (const UpstreamState& upstream : upstreams) {
      *status.add_upstreams() = to_proto(upstream);
    }
    add_upstream_problems(upstreams, status);
  }
  *status.mutable_cache() = cache_report(services.resolver.cache);
  const zone::Store::Memory memory = services.resolver.zones.memory();
  status.mutable_memory()->set_used_bytes(memory.used_bytes);
  status.mutable_memory()->set_resident_bytes(memory.resident_bytes);
  status.mutable_memory()->set_version_lag(services.resolver.zones.lag());
  add_replica(services, status);
  const bool silent = services.hooks.dns_listeners && status.dns_listeners().empty();
  if (silent) {
    status.add_problems("no socket of DNS is bound");
  }
  status.set_state(silent ? "not answering" : status.problems().empty() ? "healthy" : "degraded");
  return status;
}

}  // namespace mcns::api
