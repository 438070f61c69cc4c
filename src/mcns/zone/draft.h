// A zone while it is being edited. Private to mcns::zone.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "mcns/wire/query.h"
#include "mcns/zone/arena.h"
#include "mcns/zone/page.h"
#include "mcns/zone/zone.h"

namespace mcns::zone {

// Takes blocks back for one edit: its own at once, those of the versions before it when the edit is
// published and nobody reads them any more.
class Garbage {
 public:
  explicit Garbage(Arena& arena) : arena_(arena), fresh_from_(arena.end()) {}

  Arena& arena() { return arena_; }
  void discard(Block block) {
    if (block.at >= fresh_from_) {
      arena_.release(block.at, block.size_bytes);
    } else {
      blocks_.push_back(block);
    }
  }
  std::vector<Block> take() { return std::move(blocks_); }
  // All that this edit has made at the end of the arena. Holes that it has filled stay taken.
  void forget() { arena_.cut(fresh_from_); }

 private:
  Arena& arena_;
  const Offset fresh_from_;  // a block behind it was not there when the edit began
  std::vector<Block> blocks_;
};

// The pages of a zone's table: extendible hashing, copied before they are changed. Confined to its
// draft.
class Table {
 public:
  Table(Garbage& garbage, std::vector<Offset>& directory, std::uint8_t& depth)
      : garbage_(garbage), arena_(garbage.arena()), directory_(directory), depth_(depth) {}

  // The block of the node with that name below the apex; 0 when there is none.
  Offset find(std::uint64_t hash, std::string_view below) const;
  void insert(std::uint64_t hash, Offset node);
  void replace(std::uint64_t hash, Offset old_node, Offset node);
  void remove(std::uint64_t hash, Offset node);
  // Every page; the nodes are their owner's.
  void discard_pages();

 private:
  std::size_t index_of(std::uint64_t hash) const {
    return depth_ == 0 ? 0 : hash >> (64U - depth_);
  }
  Page& page(Offset block) const { return *reinterpret_cast<Page*>(arena_.at(block)); }
  // Ours to change: a copy when it was published.
  Page& own_page(std::uint64_t hash);
  Page& remake(std::uint64_t hash, unsigned slots, Offset without);
  void split(std::uint64_t hash);
  Offset make(unsigned slots, unsigned depth);
  void drop(Offset block);
  // Every entry for the hashes that begin with these `depth` bits of `hash`.
  void point(std::uint64_t hash, unsigned depth, Offset block);

  Garbage& garbage_;
  Arena& arena_;
  std::vector<Offset>& directory_;
  std::uint8_t& depth_;
  std::unordered_set<Offset> own_;
};

// Confined to the edit that it belongs to.
class Draft {
 public:
  Draft(Garbage& garbage, std::int64_t id, const Name& origin);
  // A copy of `zone`, whose pages and nodes stay as they are.
  Draft(Garbage& garbage, const Zone& zone);

  void put(const Rrset& rrset);
  void erase(const Name& name, Type type);
  // Everything in it, pages and nodes.
  void discard();
  std::shared_ptr<const Zone> finish();

 private:
  // An RRset of a node: those that stay refer to the node's old block.
  struct Part {
    Type type;
    std::uint16_t count;
    std::string_view wire;
  };
  // Where a name of the zone is, or would be.
  struct Place {
    std::uint64_t hash = 0;
    std::string_view below;  // the apex
    std::size_t depth = 0;   // labels below the apex
    Offset block = 0;        // 0 = not there
  };
  struct State {
    std::uint8_t flags = 0;
    std::uint32_t children = 0;
    std::vector<Part> parts;
  };

  Place place(const QueryName& name, std::size_t depth) const;
  State state(const Place& place) const;
  // Makes the node what `state` says: new, another block, or none.
  void store(const QueryName& name, const Place& place, const State& state);
  void link_to_parent(const QueryName& name, const Place& place, int children);
  void count(const Place& place, const State& was, const State& is);
  Offset make_node(const Place& place, const State& state);
  // Returns where the name ends.
  std::uint8_t* write_name(std::uint8_t* out, const Place& place, bool has_records) const;
  void summarize_apex(const State& apex);

  Garbage& garbage_;
  Arena& arena_;
  std::unique_ptr<Zone> zone_;
  Table table_;
};

}  // namespace mcns::zone
