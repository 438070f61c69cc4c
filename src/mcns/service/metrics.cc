#include "mcns/service/metrics.h"

#include <array>
#include <string>

namespace mcns {
namespace {

using dsl::metrics::Counter;
using dsl::metrics::Gauge;
using dsl::metrics::LabelSets;
using dsl::metrics::Registry;

constexpr std::array<std::string_view, 2> kTransports = {"udp", "tcp"};

double number(std::uint64_t value) { return static_cast<double>(value); }

// The sum of one count over all workers.
template <class Pick>
double sum(const net::Server& dns, Pick pick) {
  std::uint64_t total = 0;
  for (const Counters* counters : dns.counters()) {
    total += pick(*counters).value();
  }
  return number(total);
}

void add_queries(Registry& registry, const MetricSources& sources) {
  Counter& answers = registry.counter("queries_total", "Answers sent.", {"transport", "rcode"});
  Counter& types = registry.counter("query_types_total", "Questions by type.", {"qtype"});
  Counter& paths = registry.counter(
      "query_paths_total", "Where answers came from: zones, cache or an upstream.", {"path"});
  Counter& limited = registry.counter(
      "rrl_total", "Answers over the rate: slipped (sent without records) or dropped.", {"action"});
  Counter& dropped = registry.counter("dropped_total", "Packets without an answer.", {"reason"});
  registry.before_exposition([&answers, &types, &paths, &limited, &dropped, &dns = sources.dns] {
    for (std::size_t t = 0; t < kTransports.size(); ++t) {
      for (std::size_t r = 0; r < Counters::kRcodes; ++r) {
        const double count =
            sum(dns, [&](const Counters& c) -> const Count& { return c.answers[t][r]; });
        if (count > 0) {
          answers.show({kTransports[t], text(static_cast<Rcode>(r))}, count);
        }
      }
    }
    for (std::size_t t = 0; t < Counters::kTypes; ++t) {
      const double count = sum(dns, [&](const Counters& c) -> const Count& { return c.types[t]; });
      const bool is_rest = t + 1 == Counters::kTypes;
      if (count > 0) {
        types.show({is_rest ? "other" : text(static_cast<Type>(t))}, count);
      }
    }
    paths.show({"zone"}, sum(dns, [](const Counters& c) -> const Count& { return c.from_zones; }));
    paths.show({"cache"}, sum(dns, [](const Counters& c) -> const Count& { return c.from_cache; }));
    paths.show({"forward"},
               sum(dns, [](const Counters& c) -> const Count& { return c.forwarded; }));
    limited.show({"slipped"},
                 sum(dns, [](const Counters& c) -> const Count& { return c.rrl_slipped; }));
    limited.show({"dropped"},
                 sum(dns, [](const Counters& c) -> const Count& { return c.rrl_dropped; }));
    dropped.show({"malformed"},
                 sum(dns, [](const Counters& c) -> const Count& { return c.dropped_malformed; }));
    dropped.show({"too_long"},
                 sum(dns, [](const Counters& c) -> const Count& { return c.dropped_truncated; }));
    dropped.show({"send_failed"},
                 sum(dns, [](const Counters& c) -> const Count& { return c.send_failed; }));
  });
}

void add_cache(Registry& registry, const MetricSources& sources) {
  Counter& hits = registry.counter("cache_hits_total", "Answers that the cache had.");
  Counter& misses = registry.counter("cache_misses_total", "Questions that it had nothing for.");
  Counter& stale = registry.counter("cache_stale_total", "Answers past their TTL.");
  Gauge& bytes = registry.gauge("cache_used_bytes", "What its entries take.");
  Gauge& entries = registry.gauge("cache_entries_count", "How many there are.");
  registry.before_exposition([&, &cache = sources.cache] {
    const CacheStats stats = cache.stats();
    hits.show({}, number(stats.hits));
    misses.show({}, number(stats.misses));
    stale.show({}, number(stats.stale));
    bytes.set({}, number(stats.bytes));
    entries.set({}, number(stats.entries));
  });
}

void add_zones(Registry& registry, const MetricSources& sources) {
  Gauge& serial = registry.gauge("zone_serial_count", "The serial of the zone.", {"zone"});
  Gauge& records = registry.gauge("zone_records_count", "Its records.", {"zone"});
  Gauge& memory = registry.gauge("zone_memory_bytes", "What all zones take.");
  Gauge& lag =
      registry.gauge("version_lag_count", "Versions that the slowest reader is behind the newest.");
  registry.before_exposition([&, &zones = sources.zones] {
    zone::Reader reader(zones);
    const zone::Pin version(reader);
    LabelSets there;
    for (const auto& zone : version->zones()) {
      const std::string name = zone->origin().text();
      serial.set({name}, zone->serial());
      records.set({name}, number(zone->records()));
      there.insert({name});
    }
    serial.keep_only(there);
    records.keep_only(there);
    memory.set({}, number(zones.memory().used_bytes));
    lag.set({}, number(zones.lag()));
  });
}

void add_upstreams(Registry& registry, const MetricSources& sources) {
  Gauge& rtt = registry.gauge("upstream_rtt_seconds", "Mean time to an answer.", {"upstream"});
  Gauge& up = registry.gauge("upstream_up_count", "1 when it answers.", {"upstream"});
  Counter& failures =
      registry.counter("upstream_failures_total", "Questions without a good answer.", {"upstream"});
  Counter& other_case =
      registry.counter("upstream_other_case_total",
                       "Answers that did not keep the random case of the question.", {"upstream"});
  registry.before_exposition([&, &forwarder = sources.forwarder] {
    LabelSets there;
    for (const UpstreamState& state : forwarder.upstreams()) {
      rtt.set({state.upstream}, state.rtt_ms / 1000);
      up.set({state.upstream}, state.state == "up" ? 1 : 0);
      failures.show({state.upstream}, number(state.failed));
      other_case.show({state.upstream}, number(state.other_case));
      there.insert({state.upstream});
    }
    rtt.keep_only(there);
    up.keep_only(there);
  });
}

}  // namespace

void add_metrics(Registry& registry, const MetricSources& sources) {
  add_queries(registry, sources);
  add_cache(registry, sources);
  add_zones(registry, sources);
  add_upstreams(registry, sources);
}

}  // namespace mcns
