#include <algorithm>

#include "mcns/rdata/rdata.h"
#include "mcns/zonefile/zonefile.h"

namespace mcns {
namespace {

// What records are sorted by, made once: comparing names label by label costs many times more.
struct Line {
  Bytes key;
  const Record* record = nullptr;
};

// Labels from the right in lower case, each with an end that is less than any octet, so that equal
// order of octets is the order of RFC 4034 section 6.1.
void append_name_key(Bytes& key, const Name& name) {
  const Bytes lower = name.lower();
  std::vector<std::size_t> labels;
  for (std::size_t at = 0; lower[at] != '\0'; at += 1U + static_cast<std::uint8_t>(lower[at])) {
    labels.push_back(at);
  }
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    for (const char c :
         BytesView(lower).substr(*label + 1, static_cast<std::uint8_t>(lower[*label]))) {
      // 0 is for the end, so it and 1 take two octets.
      if (static_cast<std::uint8_t>(c) <= 1) {
        key += '\1';
      }
      key += static_cast<std::uint8_t>(c) <= 1 ? static_cast<char>(c + 1) : c;
    }
    key += '\0';
  }
}

Bytes make_key(const Record& record) {
  const auto type = static_cast<std::uint16_t>(record.type);
  Bytes key(1, record.type == Type::kSoa ? '\0' : '\1');
  append_name_key(key, record.name);
  key += '\0';  // what lies below follows
  key += static_cast<char>(type >> 8U);
  key += static_cast<char>(type & 0xffU);
  key += canonical_rdata(record.type, record.rdata);
  return key;
}

bool is_less(const Line& a, const Line& b) {
  const int order = a.key.compare(b.key);
  if (order != 0) {
    return order < 0;
  }
  // Only case tells them apart; still, the order in which they came must not show.
  return std::tie(a.record->rdata, a.record->name.wire(), a.record->ttl) <
         std::tie(b.record->rdata, b.record->name.wire(), b.record->ttl);
}

}  // namespace

std::string write_zonefile(const Name& origin, std::uint32_t default_ttl,
                           const std::vector<Record>& records) {
  std::vector<Line> lines;
  lines.reserve(records.size());
  for (const Record& record : records) {
    lines.push_back({.key = make_key(record), .record = &record});
  }
  std::sort(lines.begin(), lines.end(), is_less);

  std::string out = dsl::text("$ORIGIN {}\n$TTL {}\n", origin.text(), default_ttl);
  for (const Line& line : lines) {
    const Record& record = *line.record;
    out += record.name.text_below(origin);
    if (record.ttl != default_ttl) {
      out += ' ';
      out += std::to_string(record.ttl);
    }
    out += " IN ";
    out += text(record.type);
    out += ' ';
    out += rdata_text(record.type, record.rdata, &origin);
    out += '\n';
  }
  return out;
}

}  // namespace mcns
