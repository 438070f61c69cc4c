#include "mcns/api/audit.h"

#include "dsl/log/log.h"
#include "mcns/api/fields.h"

namespace mcns::api {

namespace {

const dsl::log::Logger logger("audit");

constexpr std::size_t kBytesMax = 4096;  // of before and of after: the journal has all of it

// "www A 300 192.0.2.1; ...", of what came or of what went. The journal has none of a change that
// is beyond it, and this only their number: a record whose TTL is another went and came.
std::string listed(const Outcome& outcome, const Name& zone, bool added) {
  std::string out;
  std::uint64_t left = added ? outcome.added : outcome.removed;
  for (const store::ChangeRow& change : outcome.changes) {
    if (change.added != added || out.size() >= kBytesMax) {
      continue;
    }
    out += dsl::text("{}{} {} {} {}", out.empty() ? "" : "; ", change.name.text_below(zone),
                     mcns::text(change.type), change.ttl, rdata_text(change.type, change.rdata));
    --left;
  }
  if (left == 0) {
    return out;
  }
  return out.empty() ? dsl::text("{} records", left) : out + dsl::text("; and {} more", left);
}

}  // namespace

std::string place_of(const dsl::rpc::Peer& peer) {
  return peer.local ? dsl::text("uid {}", peer.uid) : peer.address;
}

void audit(const dsl::rpc::CallContext& call, const Name& zone, const Outcome& outcome) {
  if (!outcome.changed) {
    return;
  }
  logger.record("a zone was changed", {{"account", call.caller().subject},
                                       {"from", place_of(call.peer())},
                                       {"method", call.method()},
                                       {"zone", zone_text(zone)},
                                       {"serial", outcome.serial},
                                       {"before", listed(outcome, zone, false)},
                                       {"after", listed(outcome, zone, true)}});
}

void audit(const dsl::rpc::CallContext& call, std::string_view what, std::string_view before,
           std::string_view after) {
  logger.record("a setting was changed", {{"account", call.caller().subject},
                                          {"from", place_of(call.peer())},
                                          {"method", call.method()},
                                          {"what", what},
                                          {"before", before},
                                          {"after", after}});
}

void audit_refusal(const dsl::rpc::CallContext& call, const dsl::Error& error) {
  logger.warn("a change was refused", {{"account", call.caller().subject},
                                       {"from", place_of(call.peer())},
                                       {"method", call.method()},
                                       {"why", error.message()}});
}

}  // namespace mcns::api
