// A zone inside a version: what the answer algorithm reads. Immutable; valid while its version is
// pinned.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mcns/wire/ahead.h"
#include "mcns/wire/query.h"
#include "mcns/zone/arena.h"
#include "mcns/zone/rrset.h"

namespace mcns::zone {

// One RRset, ready to be copied into a response: records whose owner is a pointer to the name of
// the question (0xc00c), then type, class IN, TTL, length and uncompressed rdata.
struct RrsetView {
  Type type = Type::kA;
  std::uint16_t count = 0;
  std::string_view wire;  // of all records

  std::uint32_t ttl() const;
  // Calls use(record, rdata) for each.
  template <class Use>
  void each(Use&& use) const {
    for (std::size_t at = 0; at < wire.size();) {
      const std::size_t size = (std::size_t{static_cast<std::uint8_t>(wire[at + 10])} << 8U) |
                               static_cast<std::uint8_t>(wire[at + 11]);
      use(wire.substr(at, 12 + size), wire.substr(at + 12, size));
      at += 12 + size;
    }
  }
  std::string_view first_rdata() const;
};

// A name of a zone, with its RRsets in the order of their types; without any when it exists only
// since something lies below it (an empty non-terminal).
class Node {
 public:
  Node() = default;
  explicit Node(const std::uint8_t* at) : at_(at) {}
  explicit operator bool() const { return at_ != nullptr; }

  enum Flag : std::uint8_t {
    kCut = 1,  // NS below the apex
    kDname = 2,
    kCname = 4,
    kWildcardChild = 8,  // "*" is right below
    kAlias = 16,
    kParent = 32,  // something lies below it, and its block says how many (not for the apex)
  };
  bool has(Flag flag) const { return (at_[0] & flag) != 0; }
  std::uint8_t flags() const { return at_[0]; }
  bool is_empty() const { return rrset_count() == 0; }
  // Below the apex, without a root label; empty for the apex. The case in which it was first given
  // records; lower when it has none.
  std::string_view name() const { return {reinterpret_cast<const char*>(at_ + header()), at_[1]}; }
  // Names right below it (not counted for the apex).
  std::uint32_t children() const;

  std::optional<RrsetView> find(Type type) const;
  template <class Use>
  void each(Use&& use) const {
    const std::uint8_t* at = rrsets();
    for (unsigned i = rrset_count(); i > 0; --i) {
      const RrsetView rrset = view(at);
      use(rrset);
      at += kRrsetHeader + rrset.wire.size();
    }
  }
  std::size_t size_bytes() const;  // of the whole block
  std::string_view block() const { return {reinterpret_cast<const char*>(at_), size_bytes()}; }

  // Block: flags (1), size of the name (1), RRsets (2), children (4, with kParent alone), name,
  // RRsets; each of those: count (2), size (4), records, of which the first tells the type. Numbers
  // in the order of the machine. A name with one address is the usual one: every byte counts.
  static constexpr std::size_t kHeader = 4;
  static constexpr std::size_t kChildren = 4;
  static constexpr std::size_t kRrsetHeader = 6;

 private:
  std::size_t header() const { return has(kParent) ? kHeader + kChildren : kHeader; }
  std::uint16_t rrset_count() const;
  const std::uint8_t* rrsets() const { return at_ + header() + at_[1]; }
  static RrsetView view(const std::uint8_t* at);

  const std::uint8_t* at_ = nullptr;
};

// How many names of a zone are cuts or DNAMEs, by how many labels they lie below the apex.
using DepthCounts = std::array<std::uint32_t, kLabelsMax>;

class Image;
class Page;

class Zone {
 public:
  const Name& origin() const { return origin_; }
  std::int64_t id() const { return id_; }  // row in the database
  std::uint32_t serial() const { return serial_; }
  std::uint64_t names() const { return names_; }  // with empty non-terminals
  std::uint64_t records() const { return records_; }
  std::size_t origin_labels() const { return origin_labels_; }

  Node apex() const { return apex_ == 0 ? Node() : Node(arena_->at(apex_)); }
  // The name formed by the last `labels` labels of `name`, which is below the apex or equal to it.
  Node find(const QueryName& name, std::size_t labels) const;
  // Asks for what `find` will look at: the page, the slot in it, the node.
  void prefetch(const QueryName& name, std::size_t labels, Ahead step) const;
  // The same for "*" below those labels.
  Node find_wildcard(const QueryName& name, std::size_t labels) const;
  // Whether some name that many labels below the apex is a cut or has a DNAME.
  bool has_cut_at(std::size_t depth) const { return cut_depths_[depth] != 0; }
  std::size_t deepest_cut() const { return deepest_cut_; }

  // The apex SOA for the authority section of a negative answer: TTL min(SOA TTL, minimum) (RFC
  // 2308 section 3), names that end with the origin compressed to pointers, which stand at `patch`
  // and have to be pointed at the origin inside the response.
  struct NegativeSoa {
    std::array<char, 2 + 10 + 2 * kNameMax + 20> wire;
    std::uint16_t size = 0;
    std::array<std::uint16_t, 3> patch;
    std::uint8_t patches = 0;
  };
  const NegativeSoa& negative_soa() const { return soa_; }

  // Every node, in no order; from whole pages, so nobody may publish meanwhile unless pinned.
  void each(const std::function<void(Node)>& use) const;

 private:
  friend class Draft;
  friend class Image;

  const Page& page(std::uint64_t hash) const;
  Node find(std::uint64_t hash, std::string_view below) const;

  const Arena* arena_ = nullptr;
  Name origin_;
  std::int64_t id_ = 0;
  std::uint8_t origin_labels_ = 0;
  std::uint8_t deepest_cut_ = 0;
  std::uint8_t depth_ = 0;  // bits of the directory
  Offset apex_ = 0;
  std::uint32_t serial_ = 0;
  std::uint64_t names_ = 0;
  std::uint64_t records_ = 0;
  std::vector<Offset> directory_;  // 2^depth_ pages, by the highest bits of the hash
  DepthCounts cut_depths_{};
  NegativeSoa soa_;
};

}  // namespace mcns::zone
