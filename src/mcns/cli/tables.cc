#include "mcns/cli/tables.h"

#include <algorithm>
#include <cmath>

#include "dsl/env/clock.h"

namespace mcns::cli {

using dsl::text;
using dsl::cli::Paint;
using dsl::cli::Table;

namespace {

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : ", ") + word;
  }
  return out;
}

// "name:          value" lines of a page.
std::string field_line(std::string_view name, std::string_view value) {
  std::string label = text("{}:", name);
  label.resize(std::max<std::size_t>(label.size() + 1, 16), ' ');
  return text("{}{}\n", label, value);
}

std::string difference_line(const Globals& globals, const pb::Difference& change) {
  const std::string line = text("{} {} {} {} {}", change.added() ? "+" : "-", change.name(),
                                change.ttl(), change.type(), change.value());
  return paint(globals, change.added() ? Paint::kGood : Paint::kBad, line) + "\n";
}

Paint paint_of(std::string_view state) {
  if (state == "healthy" || state == "up" || state == "ok" || state == "NOERROR") {
    return Paint::kGood;
  }
  if (state == "degraded" || state == "unknown" || state == "warn" || state == "NXDOMAIN") {
    return Paint::kWarn;
  }
  return Paint::kBad;
}

std::string painted(const Globals& globals, const std::string& state) {
  return paint(globals, paint_of(state), state);
}

// As `mcns forward set --upstream-ca` takes it; of a group with nobody to prove who he is, none.
std::string authority_of(const pb::Forward& forward) {
  if (!forward.ca_cert().empty()) {
    return forward.ca_cert();
  }
  for (const auto* upstreams : {&forward.upstreams(), &forward.fallback()}) {
    if (std::any_of(upstreams->begin(), upstreams->end(), [](const std::string& upstream) {
          return upstream.starts_with("tls://") || upstream.starts_with("https://");
        })) {
      return "system";
    }
  }
  return "-";
}

std::string upstreams_table(const Globals& globals, const pb::Status& status) {
  Table table({{"UPSTREAM"},
               {"FOR"},
               {"STATE"},
               {.title = "RTT", .right = true},
               {.title = "ASKED", .right = true},
               {.title = "FAILED", .right = true}});
  for (const pb::UpstreamStatus& upstream : status.upstreams()) {
    table.add({upstream.upstream(), upstream.group() + (upstream.fallback() ? " (fallback)" : ""),
               painted(globals, upstream.state()), text("{} ms", std::llround(upstream.rtt_ms())),
               std::to_string(upstream.asked()), std::to_string(upstream.failed())});
  }
  std::string out = table.empty() ? std::string() : "\n" + table.render(globals);
  for (const pb::UpstreamStatus& upstream : status.upstreams()) {
    if (!upstream.trouble().empty()) {
      out += text("{}: {}\n", upstream.upstream(), upstream.trouble());
    }
  }
  return out;
}

std::string zone_states_table(const Globals& globals, const pb::Status& status) {
  Table table({{"ZONE"},
               {.title = "SERIAL", .right = true},
               {.title = "NAMES", .right = true},
               {.title = "RECORDS", .right = true}});
  for (const pb::ZoneStatus& zone : status.zones()) {
    table.add({zone.name(), std::to_string(zone.serial()), std::to_string(zone.names()),
               std::to_string(zone.records())});
  }
  return table.empty() ? std::string() : "\n" + table.render(globals);
}

}  // namespace

std::string time_text(std::int64_t ms) {
  if (ms == 0) {
    return "-";
  }
  std::string time =
      dsl::env::format_time(dsl::env::WallTime(std::chrono::milliseconds(ms))).substr(0, 19);
  std::replace(time.begin(), time.end(), 'T', ' ');
  return time;
}

std::string span_text(std::int64_t ms) {
  const std::int64_t seconds = std::max<std::int64_t>(ms, 0) / 1000;
  const std::int64_t minutes = seconds / 60;
  const std::int64_t hours = minutes / 60;
  if (minutes == 0) {
    return text("{}s", seconds);
  }
  if (hours == 0) {
    return text("{}m", minutes);
  }
  return hours < 24 ? text("{}h {}m", hours, minutes % 60)
                    : text("{}d {}h", hours / 24, hours % 24);
}

std::string zones_table(const Globals& globals, const pb::ListZonesReply& reply) {
  Table table({{"ZONE"},
               {.title = "SERIAL", .right = true},
               {.title = "NAMES", .right = true},
               {.title = "RECORDS", .right = true},
               {"CHANGED"},
               {.title = "PRIMARY", .wide = true},
               {.title = "POLICY", .wide = true},
               {.title = "AUTO-PTR", .wide = true}});
  for (const pb::Zone& zone : reply.zones()) {
    table.add({zone.name(), std::to_string(zone.serial()), std::to_string(zone.names()),
               std::to_string(zone.records()), time_text(zone.updated_ms()), zone.primary_ns(),
               zone.serial_policy(), zone.auto_ptr() ? "yes" : "no"});
  }
  return table.empty() ? std::string() : table.render(globals);
}

std::string zone_page(const Globals& globals, const pb::Zone& zone) {
  std::string serial = text("{} ({})", zone.serial(), zone.serial_policy());
  if (zone.serial_ahead() > 0) {
    serial += paint(globals, Paint::kWarn, text(", {} ahead of the calendar", zone.serial_ahead()));
  }
  return field_line("zone", zone.name()) + field_line("serial", serial) +
         field_line("primary NS", zone.primary_ns()) + field_line("admin", zone.admin_email()) +
         field_line("refresh", text("{} s", zone.refresh())) +
         field_line("retry", text("{} s", zone.retry())) +
         field_line("expire", text("{} s", zone.expire())) +
         field_line("minimum TTL", text("{} s", zone.minimum_ttl())) +
         field_line("default TTL", text("{} s", zone.default_ttl())) +
         field_line("auto PTR", zone.auto_ptr() ? "yes" : "no") +
         field_line("names", std::to_string(zone.names())) +
         field_line("records", std::to_string(zone.records())) +
         field_line("created", time_text(zone.created_ms())) +
         field_line("changed", time_text(zone.updated_ms()));
}

std::string records_table(const Globals& globals, const std::vector<pb::Record>& records,
                          std::int64_t now_ms) {
  Table table({{"NAME"},
               {.title = "TTL", .right = true},
               {"TYPE"},
               {"VALUE"},
               {"OWNER"},
               {.title = "LEASE", .wide = true},
               {.title = "ID", .right = true, .wide = true},
               {.title = "CHANGED", .wide = true}});
  for (const pb::Record& record : records) {
    table.add({record.name(), std::to_string(record.ttl()), record.type(), record.value(),
               record.owner(),
               record.lease_expires_ms() == 0 ? "-" : span_text(record.lease_expires_ms() - now_ms),
               std::to_string(record.id()), time_text(record.updated_ms())});
  }
  return table.empty() ? std::string() : table.render(globals);
}

std::string outcome_text(const Globals& globals, const pb::Outcome& outcome, bool dry_run) {
  std::string out;
  for (const pb::Difference& change : outcome.changes()) {
    out += difference_line(globals, change);
  }
  const std::uint64_t shown = static_cast<std::uint64_t>(outcome.changes_size());
  if (const std::uint64_t all = outcome.added() + outcome.removed(); all > shown) {
    out += text("... and {} more\n", all - shown);
  }
  for (const std::string& warning : outcome.warnings()) {
    out += paint(globals, Paint::kWarn, "warning: " + warning) + "\n";
  }
  if (!outcome.changed()) {
    return out +
           text("nothing to change: {} stays at serial {}\n", outcome.zone(), outcome.serial());
  }
  const std::string counts = text("{} added, {} removed", outcome.added(), outcome.removed());
  return out + (dry_run ? text("{}: would be {}; nothing was changed\n", outcome.zone(), counts)
                        : text("{}: {}, serial {}\n", outcome.zone(), counts, outcome.serial()));
}

std::string differences_text(const Globals& globals, const std::vector<pb::Difference>& changes) {
  std::string out;
  for (const pb::Difference& change : changes) {
    out += difference_line(globals, change);
  }
  return out;
}

std::string history_text(const Globals& globals, const std::vector<pb::JournalEntry>& entries) {
  std::string out;
  for (std::size_t at = 0; at < entries.size();) {
    const pb::JournalEntry& first = entries[at];
    std::size_t end = at;
    while (end < entries.size() && entries[end].serial_to() == first.serial_to()) {
      ++end;
    }
    const std::string head = text("serial {}, {} by {} ({})", first.serial_to(),
                                  time_text(first.at_ms()), first.actor(), first.source());
    out += (out.empty() ? "" : "\n") + paint(globals, Paint::kBold, head) + "\n";
    // The journal runs backwards here; within a serial what went stands before what came.
    for (std::size_t i = end; i-- > at;) {
      out += "  " + difference_line(globals, entries[i].difference());
    }
    at = end;
  }
  return out;
}

std::string forwards_table(const Globals& globals, const pb::ListForwardsReply& reply) {
  Table table({{"ZONE"},
               {"UPSTREAMS"},
               {"FALLBACK"},
               {"POLICY"},
               {"RANDOM CASE"},
               {"UPSTREAM CA"},
               {"FROM"}});
  for (const pb::Forward& forward : reply.forwards()) {
    table.add({forward.zone(), joined(forward.upstreams()),
               forward.fallback().empty() ? "-" : joined(forward.fallback()), forward.policy(),
               forward.random_case() ? "on" : "off", authority_of(forward), forward.from()});
  }
  return table.empty() ? std::string() : table.render(globals);
}

std::string cache_page(const pb::CacheReport& report) {
  const std::uint64_t asked = report.hits() + report.misses();
  return field_line("entries", std::to_string(report.entries())) +
         field_line("size", dsl::cli::size_text(report.bytes())) +
         field_line("hits", asked == 0
                                ? std::string("0")
                                : text("{} ({} %)", report.hits(), report.hits() * 100 / asked)) +
         field_line("misses", std::to_string(report.misses())) +
         field_line("stale", std::to_string(report.stale())) +
         field_line("evictions", std::to_string(report.evictions()));
}

std::string explanation_text(const Globals& globals, const pb::Explanation& explanation) {
  std::size_t width = 0;
  for (const auto& step : explanation.steps()) {
    width = std::max(width, step.step().size());
  }
  std::string out;
  for (const auto& step : explanation.steps()) {
    std::string label = step.step();
    label.resize(width + 2, ' ');
    out += paint(globals, Paint::kBold, label) + step.what() + "\n";
  }
  if (explanation.rcode().empty()) {
    return out;
  }
  return out + text("\n{} from {}, {} octets\n\n{}", painted(globals, explanation.rcode()),
                    explanation.source(), explanation.size(), explanation.message());
}

std::string status_page(const Globals& globals, const pb::Status& status, std::int64_t now_ms) {
  std::string out =
      field_line("state", painted(globals, status.state())) +
      field_line("version", status.version()) +
      field_line("up", status.started_ms() == 0 ? "-" : span_text(now_ms - status.started_ms())) +
      field_line("dns", status.dns_listeners().empty() ? "-" : joined(status.dns_listeners())) +
      field_line("api", status.api_listeners().empty() ? "-" : joined(status.api_listeners())) +
      field_line("replica", status.replica()) +
      field_line("zone memory", dsl::cli::size_text(status.memory().used_bytes())) +
      field_line("cache", text("{} entries, {}", status.cache().entries(),
                               dsl::cli::size_text(status.cache().bytes())));
  for (const std::string& problem : status.problems()) {
    out += paint(globals, Paint::kWarn, "problem: " + problem) + "\n";
  }
  return out + zone_states_table(globals, status) + upstreams_table(globals, status);
}

std::string snapshot_text(const pb::SnapshotReply& reply) {
  std::string out = text("{} ({}, {} rows)\n", reply.path(),
                         dsl::cli::size_text(reply.size_bytes()), reply.rows());
  for (const pb::ZoneStatus& zone : reply.zones()) {
    out += text("  {} serial {}\n", zone.name(), zone.serial());
  }
  for (const std::string& removed : reply.removed()) {
    out += text("removed {}\n", removed);
  }
  return out;
}

std::string finding_text(const Globals& globals, const pb::Finding& finding) {
  std::string where = finding.zone();
  if (!finding.name().empty() && finding.name() != "@") {
    where =
        finding.zone().empty() ? finding.name() : text("{} in {}", finding.name(), finding.zone());
  }
  std::string label = finding.severity();
  label.resize(6, ' ');
  std::string out = paint(globals, paint_of(finding.severity()), label) +
                    (where.empty() ? "" : where + ": ") + finding.finding() + "\n";
  if (!finding.fix().empty()) {
    out += text("      {}\n", finding.fix());
  }
  return out;
}

std::string event_line(const Globals& globals, const pb::WatchEvent& event) {
  switch (event.event_case()) {
    case pb::WatchEvent::kChange: {
      const pb::JournalEntry& entry = event.change().entry();
      return text("{}  {} serial {} by {} ({})  {}", time_text(entry.at_ms()),
                  event.change().zone(), entry.serial_to(), entry.actor(), entry.source(),
                  difference_line(globals, entry.difference()));
    }
    case pb::WatchEvent::kQuery: {
      const pb::QueryEvent& query = event.query();
      const std::string limited =
          query.limited().empty() ? std::string() : text(", {} by [rrl]", query.limited());
      return text("{}  {} {}  {} {}  {} from {}, {} us{}\n", time_text(query.at_ms()),
                  query.client(), query.transport(), query.name(), query.type(),
                  painted(globals, query.rcode()), query.source(), query.took_us(), limited);
    }
    case pb::WatchEvent::kMissed:
      return paint(
                 globals, Paint::kWarn,
                 text("... at least {} events were not shown: too many at once", event.missed())) +
             "\n";
    case pb::WatchEvent::kBegan:
    case pb::WatchEvent::EVENT_NOT_SET:
      break;
  }
  return {};
}

std::string tokens_table(const Globals& globals, const pb::ListTokensReply& reply) {
  Table table({{"TOKEN"}, {"ROLE"}});
  for (const pb::Token& token : reply.tokens()) {
    table.add({token.name(), token.role()});
  }
  return table.empty() ? std::string() : table.render(globals);
}

std::string grants_table(const Globals& globals, const pb::ListGrantsReply& reply) {
  Table table({{.title = "ID", .right = true},
               {"ACCOUNT"},
               {"ZONE"},
               {"NAMES"},
               {"TYPES"},
               {"VERBS"},
               {"EXPIRES"},
               {.title = "BY", .wide = true},
               {.title = "MADE", .wide = true}});
  for (const pb::Grant& grant : reply.grants()) {
    table.add({std::to_string(grant.id()), grant.account(), grant.zone(), grant.name_pattern(),
               joined(grant.types()), joined(grant.verbs()),
               grant.expires_ms() == 0 ? "never" : time_text(grant.expires_ms()),
               grant.created_by(), time_text(grant.created_ms())});
  }
  return table.empty() ? std::string() : table.render(globals);
}

}  // namespace mcns::cli
