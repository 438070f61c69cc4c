// Pages of a zone's records.
#include <charconv>

#include "mcns/store/octets.h"
#include "mcns/store/record_rows.h"
#include "mcns/store/record_table.h"
#include "mcns/store/sort_key.h"

namespace mcns::store {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::db::Transaction;

std::string hex(BytesView octets) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : octets) {
    const auto value = static_cast<std::uint8_t>(c);
    out += kDigits[value >> 4U];
    out += kDigits[value & 15U];
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  Bytes out;
  for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
    std::uint8_t value = 0;
    const auto parsed = std::from_chars(text.data() + at, text.data() + at + 2, value, 16);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + at + 2) {
      return std::nullopt;
    }
    out += static_cast<char>(value);
  }
  return text.size() % 2 == 0 ? std::optional(out) : std::nullopt;
}

// Behind which record a page begins.
struct Cursor {
  Bytes key;
  std::string type;
  Bytes canonical;

  // "hex.TYPE.hex"
  std::string text() const { return dsl::text("{}.{}.{}", hex(key), type, hex(canonical)); }

  static Result<Cursor> parse(std::string_view text) {
    const std::size_t first = text.find('.');
    const std::size_t second = text.rfind('.');
    if (first != std::string_view::npos && second > first) {
      const auto key = from_hex(text.substr(0, first));
      const auto canonical = from_hex(text.substr(second + 1));
      if (key && canonical) {
        return Cursor{*key, std::string(text.substr(first + 1, second - first - 1)), *canonical};
      }
    }
    return fail(Code::kInvalidArgument, "\"{}\" is not the cursor of a page of records", text)
        .hint("give the one that came with the page before, or none for the first page");
  }
};

}  // namespace

Result<RecordPage> list_records(Transaction& tx, const ZoneRow& zone, const RecordFilter& filter,
                                std::string_view cursor, std::size_t limit) {
  // A name is looked up, the rest is looked through.
  static const std::string of_name = dsl::text(
      "{}WHERE zone_id = ?1 AND sort_key = ?2 AND (sort_key, type, canonical) > (?3, ?4, ?5) "
      "AND (?6 IS NULL OR type = ?6) AND (?7 IS NULL OR owner = ?7) "
      "ORDER BY sort_key, type, canonical LIMIT ?8",
      kSelectRecords);
  static const std::string of_zone = dsl::text(
      "{}WHERE zone_id = ?1 AND ?2 IS NULL AND (sort_key, type, canonical) > (?3, ?4, ?5) "
      "AND (?6 IS NULL OR type = ?6) AND (?7 IS NULL OR owner = ?7) "
      "ORDER BY sort_key, type, canonical LIMIT ?8",
      kSelectRecords);
  Cursor from;
  if (!cursor.empty()) {
    MC_ASSIGN(from, Cursor::parse(cursor));
  }
  std::optional<Bytes> key;
  std::optional<dsl::db::Blob> key_blob;
  if (filter.name) {
    if (!filter.name->is_within(zone.origin)) {
      return RecordPage();
    }
    key = sort_key(*filter.name, zone.origin);
    key_blob = blob(*key);
  }
  std::optional<std::string> type;
  if (filter.type) {
    type = text(*filter.type);
  }
  RecordPage page;
  MC_TRY(each_record_row(
      tx, zone, key ? of_name : of_zone,
      [&](RecordRow record) { page.records.push_back(std::move(record)); }, zone.id, key_blob,
      blob(from.key), from.type, blob(from.canonical), type, filter.owner,
      static_cast<std::int64_t>(limit) + 1));
  if (page.records.size() > limit) {
    page.records.pop_back();
    const RecordRow& last = page.records.back();
    page.next = Cursor{sort_key(last.name, zone.origin), text(last.type), last.canonical}.text();
  }
  return page;
}

}  // namespace mcns::store
