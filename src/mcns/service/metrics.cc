#include "mcns/service/metrics.h"

#include <array>
#include <string>
#include <vector>

#include "mcns/api/convert.h"

namespace mcns {
namespace {

using dsl::metrics::Counter;
using dsl::metrics::Gauge;
using dsl::metrics::Histogram;
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

constexpr double kNsPerSecond = 1e9;

std::vector<double> latency_bounds() {
  std::vector<double> out;
  for (const std::int64_t bound : Latency::kBounds) {
    out.push_back(static_cast<double>(bound) / kNsPerSecond);
  }
  return out;
}

// The sum of what several threads counted.
class LatencySum {
 public:
  void add(const Latency& latency) {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      counts_[i] += number(latency.count(i));
    }
    seconds_ += number(latency.sum_ns()) / kNsPerSecond;
  }
  void show(Histogram& histogram, dsl::metrics::LabelValues labels) const {
    histogram.show(labels, counts_, seconds_);
  }

 private:
  std::vector<double> counts_ = std::vector<double>(Latency::kBuckets);
  double seconds_ = 0;
};

void add_answer_times(Registry& registry, const MetricSources& sources) {
  Histogram& took = registry.histogram(
      "answer_seconds",
      "Time to an answer. Of zones and the cache: the time of a batch of datagrams, from reading "
      "the first to having all answers, divided by their number. Of an upstream: from the question "
      "to its answer.",
      {"path"}, latency_bounds());
  registry.before_exposition([&took, &dns = sources.dns] {
    const auto show = [&](std::string_view path, const Latency Counters::*member) {
      LatencySum all;
      for (const Counters* counters : dns.counters()) {
        all.add(counters->*member);
      }
      all.show(took, {path});
    };
    show("zone", &Counters::zones_took);
    show("cache", &Counters::cache_took);
    show("forward", &Counters::forward_took);
  });
}

void add_writes(Registry& registry, const MetricSources& sources) {
  Histogram& commits = registry.histogram(
      "commit_seconds", "One transaction of a group of writes, to stable storage.", {},
      latency_bounds());
  Histogram& publishes = registry.histogram(
      "publish_seconds", "From a commit to the version that every worker answers from.", {},
      latency_bounds());
  registry.before_exposition([&commits, &publishes, &figures = sources.writer.figures()] {
    LatencySum committed;
    committed.add(figures.commits);
    committed.show(commits, {});
    LatencySum published;
    published.add(figures.publishes);
    published.show(publishes, {});
  });
}

void add_events(Registry& registry, const MetricSources& sources) {
  Counter& lost = registry.counter(
      "query_events_lost_total",
      "What tail, the query log or dnstap should have had: events that found their ring full, "
      "lines and messages that could not be written.",
      {"at"});
  registry.before_exposition([&lost, &events = sources.events, recorder = sources.recorder] {
    lost.show({"ring"}, number(events.lost()));
    if (recorder != nullptr) {
      lost.show({"querylog"}, number(recorder->lost_lines()));
      lost.show({"dnstap"}, number(recorder->lost_frames()));
    }
  });
}

void add_queries(Registry& registry, const MetricSources& sources) {
  Counter& answers = registry.counter("queries_total", "Answers sent.", {"transport", "rcode"});
  Counter& types = registry.counter("query_types_total", "Questions by type.", {"qtype"});
  Counter& paths = registry.counter(
      "query_paths_total", "Where answers came from: zones, cache or an upstream.", {"path"});
  Counter& limited = registry.counter(
      "rrl_total", "Answers over the rate: slipped (sent without records) or dropped.", {"action"});
  Counter& dropped =
      registry.counter("dropped_total", "Packets and connections without an answer.", {"reason"});
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
    dropped.show({"connections_full"},
                 sum(dns, [](const Counters& c) -> const Count& { return c.dropped_connections; }));
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
  Gauge& ahead = registry.gauge(
      "zone_serial_ahead_count",
      "Numbers that its serial is beyond the last of the day (YYYYMMDD99).", {"zone"});
  Gauge& memory = registry.gauge("zone_memory_bytes", "What all zones take.");
  Gauge& lag =
      registry.gauge("version_lag_count", "Versions that the slowest reader is behind the newest.");
  registry.before_exposition([&, &zones = sources.zones, &clock = sources.clock] {
    zone::Reader reader(zones);
    const zone::Pin version(reader);
    LabelSets there;
    for (const auto& zone : version->zones()) {
      const std::string name = zone->origin().text();
      serial.set({name}, zone->serial());
      ahead.set({name}, api::serial_ahead(zone->serial(), clock.now()));
      records.set({name}, number(zone->records()));
      there.insert({name});
    }
    serial.keep_only(there);
    ahead.keep_only(there);
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
  add_answer_times(registry, sources);
  add_events(registry, sources);
  add_writes(registry, sources);
  add_cache(registry, sources);
  add_zones(registry, sources);
  add_upstreams(registry, sources);
}

}  // namespace mcns
