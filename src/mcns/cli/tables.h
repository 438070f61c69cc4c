// Answers of the service as text. Pure: what a test compares with a golden file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "mcns/v1/admin.pb.h"
#include "mcns/v1/change.pb.h"
#include "mcns/v1/forward.pb.h"
#include "mcns/v1/record.pb.h"
#include "mcns/v1/watch.pb.h"
#include "mcns/v1/zone.pb.h"

namespace mcns::cli {

namespace pb = mcns::v1;
using dsl::cli::Globals;

// zone list, zone show
std::string zones_table(const Globals& globals, const pb::ListZonesReply& reply);
std::string zone_page(const Globals& globals, const pb::Zone& zone);
// record list, record get
std::string records_table(const Globals& globals, const std::vector<pb::Record>& records,
                          std::int64_t now_ms);
// What a change did, or would do: a line for each record that goes or comes, then the serial.
std::string outcome_text(const Globals& globals, const pb::Outcome& outcome, bool dry_run);
// diff
std::string differences_text(const Globals& globals, const std::vector<pb::Difference>& changes);
// history: the entries of a serial together, the newest first
std::string history_text(const Globals& globals, const std::vector<pb::JournalEntry>& entries);

std::string forwards_table(const Globals& globals, const pb::ListForwardsReply& reply);
std::string cache_page(const pb::CacheReport& report);
std::string explanation_text(const Globals& globals, const pb::Explanation& explanation);
std::string status_page(const Globals& globals, const pb::Status& status, std::int64_t now_ms);
std::string snapshot_text(const pb::SnapshotReply& reply);
// check, doctor
std::string finding_text(const Globals& globals, const pb::Finding& finding);
// One line of `tail`; empty for an event that has none.
std::string event_line(const Globals& globals, const pb::WatchEvent& event);

std::string tokens_table(const Globals& globals, const pb::ListTokensReply& reply);
std::string grants_table(const Globals& globals, const pb::ListGrantsReply& reply);

// "2026-04-03 08:45:00", UTC; "-" for zero.
std::string time_text(std::int64_t ms);
// How long something lasts, in two units at most: "12s", "5m", "3h 20m", "4d 3h".
std::string span_text(std::int64_t ms);

}  // namespace mcns::cli
