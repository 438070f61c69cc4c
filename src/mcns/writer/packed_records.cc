#include "mcns/writer/packed_records.h"

#include <algorithm>

#include "dsl/result/result.h"

namespace mcns::writer {
namespace {

constexpr std::size_t kPieceBytes = 1U << 20U;

char* append(char* at, BytesView octets) { return std::copy(octets.begin(), octets.end(), at); }

}  // namespace

void PackedRecords::add(BytesView key, BytesView name, Type type, std::uint32_t ttl,
                        BytesView rdata, BytesView canonical) {
  PackedRecord record;
  record.type = type;
  record.ttl = ttl;
  pack(record, key, name, rdata, canonical);
  list_.push_back(record);
}

void PackedRecords::set_name(PackedRecord& record, BytesView name) {
  pack(record, record.key(), name, record.rdata(), record.canonical());
}

void PackedRecords::set_rdata(PackedRecord& record, BytesView rdata) {
  pack(record, record.key(), record.name(), rdata, record.canonical());
}

void PackedRecords::pack(PackedRecord& record, BytesView key, BytesView name, BytesView rdata,
                         BytesView canonical) {
  MC_ASSERT(rdata.size() == canonical.size(), "lower case is as long as upper case");
  const bool has_canonical = rdata != canonical;
  char* const octets = allocate(key.size() + name.size() + rdata.size() * (has_canonical ? 2 : 1));
  char* const end = append(append(append(octets, key), name), rdata);
  if (has_canonical) {
    append(end, canonical);
  }
  record.octets = octets;
  record.key_size = static_cast<std::uint16_t>(key.size());
  record.name_size = static_cast<std::uint8_t>(name.size());
  record.rdata_size = static_cast<std::uint16_t>(rdata.size());
  record.has_canonical = has_canonical;
}

char* PackedRecords::allocate(std::size_t size) {
  if (pieces_.empty() || left_ < size) {
    left_ = std::max(kPieceBytes, size);
    pieces_.push_back(std::make_unique_for_overwrite<char[]>(left_));
    piece_end_ = pieces_.back().get() + left_;
  }
  char* const at = piece_end_ - left_;
  left_ -= size;
  return at;
}

PackedRecords::List::const_iterator end_of_name(PackedRecords::List::const_iterator begin,
                                                PackedRecords::List::const_iterator end) {
  return std::find_if(begin, end,
                      [&](const PackedRecord& record) { return record.key() != begin->key(); });
}

Name name_of(const PackedRecord& record, const Name& origin) {
  auto name = Name::from_wire(Bytes(record.name()) + origin.wire());
  MC_ASSERT(name.has_value(), "a name was packed");
  return *std::move(name);
}

std::vector<store::RecordRow> rows_of(PackedRecords::List::const_iterator begin,
                                      PackedRecords::List::const_iterator end, const Name& name) {
  std::vector<store::RecordRow> rows;
  rows.reserve(static_cast<std::size_t>(end - begin));
  for (auto record = begin; record != end; ++record) {
    rows.push_back({.id = record->state == PackedRecord::State::kAdded ? 0 : 1,
                    .name = name,
                    .type = record->type,
                    .ttl = record->ttl,
                    .rdata = Bytes(record->rdata()),
                    .canonical = Bytes(record->canonical())});
  }
  return rows;
}

}  // namespace mcns::writer
