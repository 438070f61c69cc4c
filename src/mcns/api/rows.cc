#include "mcns/api/rows.h"

#include <algorithm>
#include <charconv>

#include "dsl/config/nearest.h"
#include "mcns/api/fields.h"
#include "mcns/store/change_table.h"
#include "mcns/store/zone_table.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;
using dsl::db::Transaction;
using store::ChangeRow;
using store::RecordRow;
using store::ZoneRow;

namespace {

constexpr std::size_t kStep = 100;  // rows read at once

std::size_t size_of(const Name& name, const Bytes& rdata) {
  return 2 * (rdata.size() + name.size()) + 128;  // as text it is longer
}

// Which changes of the journal are wanted, as they come from the newest to the oldest.
class ChangeSieve {
 public:
  ChangeSieve(const ZoneRow& zone, const ChangeFilter& filter, bool begun)
      : filter_(filter),
        begun_(begun || filter.until_serial == 0 || filter.until_serial == zone.soa.serial) {}

  enum class Verdict { kTake, kSkip, kEnd };
  Verdict look(const ChangeRow& change) {
    begun_ = begun_ || change.serial_to == filter_.until_serial;
    if (filter_.after_serial != 0 && change.serial_to == filter_.after_serial) {
      ended_ = true;
      return Verdict::kEnd;
    }
    // Also when the changes that led to that serial have left the journal already.
    ended_ = ended_ || change.serial_from == filter_.after_serial;
    return begun_ && (!filter_.name || *filter_.name == change.name) ? Verdict::kTake
                                                                     : Verdict::kSkip;
  }
  // Which serial of the filter was not met in the whole journal.
  std::optional<std::uint32_t> unknown(const ZoneRow& zone) const {
    if (!begun_) {
      return filter_.until_serial;
    }
    const bool nothing_after = filter_.after_serial == zone.soa.serial;
    return filter_.after_serial == 0 || ended_ || nothing_after
               ? std::nullopt
               : std::optional(filter_.after_serial);
  }

 private:
  const ChangeFilter& filter_;
  bool begun_;
  bool ended_ = false;
};

Result<std::int64_t> place_of(const std::string& token) {
  std::int64_t before = 0;
  const char* end = token.data() + token.size();
  if (const auto read = std::from_chars(token.data(), end, before);
      read.ec != std::errc() || read.ptr != end || before < 1) {
    return tl::unexpected(
        at_field(fail(Code::kInvalidArgument, "\"{}\" is no token of a page", token)
                     .hint("next_page_token as it came, with the same filters"),
                 "page_token"));
  }
  return before;
}

}  // namespace

Result<ZoneRow> zone_row(Transaction& tx, const Name& origin) {
  MC_ASSIGN(std::optional<ZoneRow> found, store::find_zone(tx, origin));
  if (found) {
    return std::move(*found);
  }
  MC_ASSIGN(const std::vector<ZoneRow> all, store::all_zones(tx));
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const ZoneRow& zone : all) {
    names.push_back(zone_text(zone.origin));
  }
  const std::string near = dsl::config::nearest(zone_text(origin), names);
  return fail(Code::kNotFound, "there is no zone {}", zone_text(origin))
      .hint(near.empty() ? "mcns zone list shows the zones" : dsl::text("did you mean {}?", near));
}

Result<RecordRow> record_row(Transaction& tx, const ZoneRow& zone, std::int64_t id) {
  MC_ASSIGN(std::optional<RecordRow> found, store::record_by_id(tx, zone, id));
  if (!found) {
    return fail(Code::kNotFound, "zone {} has no record {}", zone_text(zone.origin), id)
        .hint("a record that was changed has another number: mcns record list shows it");
  }
  return std::move(*found);
}

Result<std::vector<RecordRow>> rrset_rows(Transaction& tx, const ZoneRow& zone, const Name& name,
                                          Type type) {
  MC_ASSIGN(std::vector<RecordRow> rows, store::records_at(tx, zone, name));
  std::erase_if(rows, [&](const RecordRow& row) { return row.type != type; });
  return rows;
}

Result<store::RecordPage> records_page(Transaction& tx, const ZoneRow& zone,
                                       const store::RecordFilter& filter, const std::string& token,
                                       PageLimit limit) {
  store::RecordPage page;
  page.next = token;
  std::size_t bytes = 0;
  do {
    const std::size_t rows = std::min(kStep, limit.rows - page.records.size());
    MC_ASSIGN(store::RecordPage step, store::list_records(tx, zone, filter, page.next, rows));
    for (RecordRow& row : step.records) {
      bytes += size_of(row.name, row.rdata);
      page.records.push_back(std::move(row));
    }
    page.next = std::move(step.next);
  } while (!page.next.empty() && page.records.size() < limit.rows && bytes < limit.bytes);
  return page;
}

Result<ChangePage> changes_page(Transaction& tx, const ZoneRow& zone, const ChangeFilter& filter,
                                const std::string& token, PageLimit limit) {
  std::int64_t before = 0;
  if (!token.empty()) {
    MC_ASSIGN(before, place_of(token));
  }
  ChangeSieve sieve(zone, filter, !token.empty());
  ChangePage page;
  std::size_t bytes = 0;
  bool more = true;
  while (more) {
    MC_ASSIGN(std::vector<ChangeRow> step, store::list_changes(tx, zone, before, kStep));
    more = step.size() == kStep;
    for (ChangeRow& row : step) {
      before = row.id;
      const ChangeSieve::Verdict verdict = sieve.look(row);
      if (verdict == ChangeSieve::Verdict::kEnd) {
        more = false;
        break;
      }
      if (verdict == ChangeSieve::Verdict::kSkip) {
        continue;
      }
      if (page.rows.size() >= limit.rows || bytes >= limit.bytes) {
        page.next = std::to_string(page.rows.back().id);
        return page;
      }
      bytes += size_of(row.name, row.rdata);
      page.rows.push_back(std::move(row));
    }
  }
  if (const auto unknown = sieve.unknown(zone)) {
    return fail(Code::kNotFound, "the journal of {} does not know serial {}",
                zone_text(zone.origin), *unknown)
        .hint(dsl::text("mcns history {} shows those that it knows", zone_text(zone.origin)));
  }
  return page;
}

}  // namespace mcns::api
