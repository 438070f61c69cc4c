// A response in the making, inside a buffer of its sender's. Private to mcns::answer.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "mcns/answer/answer.h"
#include "mcns/wire/codes.h"
#include "mcns/wire/octets.h"
#include "mcns/wire/query.h"
#include "mcns/zone/zone.h"

namespace mcns {

enum class Section : std::uint8_t { kAnswer, kAuthority, kAdditional };

// Where a name stands in the response: whole, so that each of its suffixes can be pointed at.
using NameAt = std::uint16_t;
constexpr NameAt kQuestionName = kHeaderSize;

// A zone's origin as it already stands in the response: what names of rdata are compressed to.
struct Origin {
  std::string_view wire;
  NameAt at = 0;  // 0 = nowhere
};

// A host named in an RRset that was added, whose addresses may follow in the additional section.
// Without initial values: a response has room for many of them, and most have none.
struct Target {
  const char* name;  // in the zones
  std::uint16_t name_size;
  NameAt at;  // in the response

  std::string_view text() const { return {name, name_size}; }
};

constexpr std::size_t kOptSize = 11;  // of an OPT record without options

// An OPT record with these options, in their wire form, at `buffer`. How many octets.
std::size_t write_opt(std::uint16_t udp_size, Rcode rcode, bool dnssec_ok, std::string_view options,
                      char* buffer);

// Header and question first, then whole RRsets in the order of the sections: what does not fit
// leaves the response as it was. Confined to its thread; buffer and query outlive it.
class Response {
 public:
  // `limit` octets of the buffer may be used, with those that `finish` needs for the OPT record.
  Response(const Query& query, char* buffer, std::size_t limit);

  // An RRset of a zone, owned by the name at `owner`, its records turned by `turn` places. False
  // when it does not fit.
  bool add(Section section, const zone::RrsetView& rrset, NameAt owner, const Origin& origin,
           unsigned turn = 0);
  // The same for addresses (A or AAAA), as they fit who asks: those near it first, and those
  // elsewhere perhaps not at all.
  bool add_addresses(Section section, const zone::RrsetView& rrset, NameAt owner,
                     const Vicinity& vicinity, unsigned turn);
  // No record of the RRset that was added last has a longer TTL.
  void bound_ttl(std::uint32_t ttl);
  // The zone's SOA for a negative answer.
  bool add_soa(const zone::Zone& zone, NameAt origin_at);
  // A CNAME made from a DNAME; where its target stands, or 0 when it does not fit.
  NameAt add_cname(NameAt owner, std::uint32_t ttl, std::string_view target);
  // A record with the given rdata.
  bool add_record(Section section, NameAt owner, Type type, Class dns_class, std::uint32_t ttl,
                  std::string_view rdata);

  // Takes octets that were kept for the OPT record.
  void reserve(std::size_t octets) { limit_ -= std::min(octets, limit_ - size_); }
  void give_back(std::size_t octets) { limit_ += octets; }

  std::size_t size() const { return size_; }
  std::string_view text(NameAt at) const { return {buffer_ + at, size_ - at}; }
  // Of the RRset that was added last: 0 for the whole of another kind of record.
  NameAt last_rdata() const { return last_rdata_; }
  const Target* targets() const { return targets_.data(); }
  std::size_t target_count() const { return target_count_; }
  std::uint16_t count(Section section) const { return counts_[static_cast<unsigned>(section)]; }

  struct Head {
    Rcode rcode = Rcode::kNoError;
    bool authoritative = false;
    bool truncated = false;
    bool recursion_available = false;
  };
  // Fills the header in. How many octets the response has.
  std::size_t finish(const Head& head);
  // Appends an OPT record; before `finish`.
  void add_opt(std::uint16_t udp_size, Rcode rcode, bool dnssec_ok, std::string_view options);

 private:
  bool fits(std::size_t octets) const { return limit_ - size_ >= octets; }
  void put16(std::size_t at, unsigned number) { write16(buffer_ + at, number); }
  void append(std::string_view octets) {
    std::memcpy(buffer_ + size_, octets.data(), octets.size());
    size_ += octets.size();
  }
  bool add_compressed(const zone::RrsetView& rrset, NameAt owner, const Origin& origin);
  void append_name(std::string_view name, const Origin& origin);
  void note_targets(const zone::RrsetView& rrset, std::size_t begin);

  const Query& query_;
  char* buffer_;
  std::size_t limit_;
  std::size_t size_;
  NameAt last_rdata_ = 0;
  std::array<std::uint16_t, 3> counts_{};
  static constexpr std::size_t kTargetsMax = 64;  // by then a datagram has long been full
  std::size_t target_count_ = 0;
  std::array<Target, kTargetsMax> targets_;
};

}  // namespace mcns
