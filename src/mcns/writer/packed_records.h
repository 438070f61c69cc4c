// The records of a whole zone in little memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "mcns/store/records.h"

namespace mcns::writer {

// A record without what all records of an import share. Its octets are those of the list that it
// is in.
struct PackedRecord {
  // Beside what the zone has.
  enum class State : std::uint8_t {
    kAdded,
    kMoved,  // there, with another TTL
    kSame,
  };

  const char* octets = nullptr;  // key, name, rdata and, when that differs, its canonical form
  std::uint32_t ttl = 0;
  Type type = Type::kA;
  std::uint16_t key_size = 0;
  std::uint16_t rdata_size = 0;
  std::uint8_t name_size = 0;
  State state : 2 = State::kAdded;
  bool has_canonical : 1 = false;
  bool loses_neighbour : 1 = false;  // one of its RRset goes

  BytesView key() const { return {octets, key_size}; }  // store/sort_key.h
  // Wire form without the origin.
  BytesView name() const { return {octets + key_size, name_size}; }
  BytesView rdata() const { return {octets + key_size + name_size, rdata_size}; }
  BytesView canonical() const {
    return {rdata().data() + (has_canonical ? rdata_size : 0), rdata_size};
  }
};

// Confined to one thread at a time.
class PackedRecords {
 public:
  using List = std::vector<PackedRecord>;

  // `canonical` is as long as `rdata`.
  void add(BytesView key, BytesView name, Type type, std::uint32_t ttl, BytesView rdata,
           BytesView canonical);
  // The case as first written.
  void set_name(PackedRecord& record, BytesView name);
  void set_rdata(PackedRecord& record, BytesView rdata);

  // In whatever order its owner has brought them.
  List& list() { return list_; }
  const List& list() const { return list_; }

 private:
  void pack(PackedRecord& record, BytesView key, BytesView name, BytesView rdata,
            BytesView canonical);
  char* allocate(std::size_t size);

  List list_;
  std::vector<std::unique_ptr<char[]>> pieces_;
  char* piece_end_ = nullptr;  // of the last one
  std::size_t left_ = 0;       // before it
};

// Where the records of the name at `begin` end.
PackedRecords::List::const_iterator end_of_name(PackedRecords::List::const_iterator begin,
                                                PackedRecords::List::const_iterator end);
Name name_of(const PackedRecord& record, const Name& origin);
// What an import says of them: no number, owner or time. Those that the zone has got a number that
// is not 0.
std::vector<store::RecordRow> rows_of(PackedRecords::List::const_iterator begin,
                                      PackedRecords::List::const_iterator end, const Name& name);

}  // namespace mcns::writer
