#include "mcns/zone/draft.h"

#include <algorithm>
#include <cstring>

#include "dsl/result/result.h"
#include "mcns/rdata/rdata.h"

namespace mcns::zone {
namespace {

constexpr std::size_t kRecordHead = 12;  // pointer, type, class, TTL, length

void append16(std::string& out, std::size_t number) {
  out += static_cast<char>(number >> 8U);
  out += static_cast<char>(number);
}

void append32(std::string& out, std::uint32_t number) {
  append16(out, number >> 16U);
  append16(out, number & 0xffffU);
}

std::string record_head(Type type, std::uint32_t ttl, std::size_t rdata_size) {
  std::string out("\xc0\x0c", 2);
  append16(out, static_cast<std::uint16_t>(type));
  append16(out, static_cast<std::uint16_t>(Class::kIn));
  append32(out, ttl);
  append16(out, rdata_size);
  return out;
}

std::string records_of(const Rrset& rrset) {
  std::string out;
  for (const Bytes& rdata : rrset.rdata) {
    out += record_head(rrset.type, rrset.ttl, rdata.size());
    out += rdata;
  }
  return out;
}

template <class Number>
void write(std::uint8_t* at, Number number) {
  std::memcpy(at, &number, sizeof(number));
}

bool is_cut_or_dname(std::uint8_t flags) { return (flags & (Node::kCut | Node::kDname)) != 0; }

QueryName query_name(const Name& name) {
  QueryName out;
  const std::size_t size = read_query_name(name.wire(), out);
  MC_ASSERT(size == name.size(), "a Name is a name");
  return out;
}

}  // namespace

Draft::Draft(Garbage& garbage, std::int64_t id, const Name& origin)
    : garbage_(garbage),
      arena_(garbage.arena()),
      zone_(std::make_unique<Zone>()),
      table_(garbage, zone_->directory_, zone_->depth_) {
  zone_->arena_ = &arena_;
  zone_->origin_ = origin;
  zone_->id_ = id;
  zone_->origin_labels_ = static_cast<std::uint8_t>(origin.label_count());
}

Draft::Draft(Garbage& garbage, const Zone& zone)
    : garbage_(garbage),
      arena_(garbage.arena()),
      zone_(std::make_unique<Zone>(zone)),
      table_(garbage, zone_->directory_, zone_->depth_) {}

void Draft::put(const Rrset& rrset) {
  MC_ASSERT(!rrset.rdata.empty() && rrset.name.is_within(zone_->origin_), "an RRset of this zone");
  const QueryName name = query_name(rrset.name);
  const Place at = place(name, name.labels - zone_->origin_labels_);
  const std::string records = records_of(rrset);
  State next = state(at);
  const Part part{rrset.type, static_cast<std::uint16_t>(rrset.rdata.size()), records};
  const auto found = std::lower_bound(next.parts.begin(), next.parts.end(), rrset.type,
                                      [](const Part& p, Type type) { return p.type < type; });
  if (found != next.parts.end() && found->type == rrset.type) {
    *found = part;
  } else {
    next.parts.insert(found, part);
  }
  store(name, at, next);
}

void Draft::erase(const Name& owner, Type type) {
  const QueryName name = query_name(owner);
  const Place at = place(name, name.labels - zone_->origin_labels_);
  State next = state(at);
  const auto found = std::find_if(next.parts.begin(), next.parts.end(),
                                  [type](const Part& part) { return part.type == type; });
  if (found != next.parts.end()) {
    next.parts.erase(found);
    store(name, at, next);
  }
}

void Draft::discard() {
  zone_->each([&](Node node) {
    // The arena knows blocks by where they are.
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(node.block().data());
    const auto block = static_cast<Offset>(static_cast<std::size_t>(bytes - arena_.at(0)) / kUnit);
    garbage_.discard({block, static_cast<std::uint32_t>(node.size_bytes())});
  });
  table_.discard_pages();
  zone_->apex_ = 0;
}

std::shared_ptr<const Zone> Draft::finish() {
  MC_ASSERT(zone_->soa_.size != 0, "a published zone has an SOA");
  zone_->directory_.shrink_to_fit();
  return std::move(zone_);
}

Draft::Place Draft::place(const QueryName& name, std::size_t depth) const {
  const std::size_t labels = zone_->origin_labels_ + depth;
  const std::string_view wire = name.suffix(labels);
  Place at;
  at.hash = name.suffix_hash[labels];
  at.below = wire.substr(0, wire.size() - zone_->origin_.size());
  at.depth = depth;
  at.block = depth == 0 ? zone_->apex_ : table_.find(at.hash, at.below);
  return at;
}

Draft::State Draft::state(const Place& at) const {
  State out;
  if (at.block != 0) {
    const Node node(arena_.at(at.block));
    out.flags = node.flags();
    out.children = node.children();
    node.each([&](const RrsetView& rrset) {
      out.parts.push_back({rrset.type, rrset.count, rrset.wire});
    });
  }
  return out;
}

void Draft::store(const QueryName& name, const Place& at, const State& wanted) {
  State next = wanted;
  next.flags &= Node::kWildcardChild;
  for (const Part& part : next.parts) {
    next.flags |= part.type == Type::kNs && at.depth > 0 ? Node::kCut : 0;
    next.flags |= part.type == Type::kDname ? Node::kDname : 0;
    next.flags |= part.type == Type::kCname ? Node::kCname : 0;
    next.flags |= part.type == Type::kAlias ? Node::kAlias : 0;
  }
  next.flags |= next.children > 0 ? Node::kParent : 0;
  count(at, state(at), next);
  const bool stays = !next.parts.empty() || next.children > 0 || at.depth == 0;
  const Offset block = stays ? make_node(at, next) : 0;
  if (at.depth == 0) {
    zone_->apex_ = block;
    summarize_apex(next);
  } else if (at.block == 0) {
    table_.insert(at.hash, block);
  } else if (stays) {
    table_.replace(at.hash, at.block, block);
  } else {
    table_.remove(at.hash, at.block);
  }
  if (at.depth > 0 && (at.block == 0) != (block == 0)) {
    link_to_parent(name, at, block == 0 ? -1 : 1);
  }
  if (at.block != 0) {
    const Node old_node(arena_.at(at.block));
    garbage_.discard({at.block, static_cast<std::uint32_t>(old_node.size_bytes())});
  }
}

// The names above it: empty non-terminals come and go with what is below them (RFC 8020).
void Draft::link_to_parent(const QueryName& name, const Place& at, int children) {
  const Place above = place(name, at.depth - 1);
  const bool is_wildcard = at.below.size() >= 2 && at.below[0] == 1 && at.below[1] == '*';
  // The apex does not count, as it stays anyway and each new name would copy it.
  if (above.depth == 0 && !is_wildcard) {
    return;
  }
  State next = state(above);
  if (above.depth > 0) {
    next.children += static_cast<std::uint32_t>(children);
  }
  if (is_wildcard) {
    next.flags = static_cast<std::uint8_t>(children > 0 ? next.flags | Node::kWildcardChild
                                                        : next.flags & ~Node::kWildcardChild);
  }
  store(name, above, next);
}

void Draft::count(const Place& at, const State& was, const State& is) {
  const auto records = [](const State& state) {
    std::uint64_t sum = 0;
    for (const Part& part : state.parts) {
      sum += part.count;
    }
    return sum;
  };
  const bool will_be_there = !is.parts.empty() || is.children > 0 || at.depth == 0;
  zone_->names_ += std::uint64_t{will_be_there} - std::uint64_t{at.block != 0};
  zone_->records_ += records(is) - records(was);
  if (is_cut_or_dname(was.flags) != is_cut_or_dname(is.flags)) {
    DepthCounts& counts = zone_->cut_depths_;
    counts[at.depth] += is_cut_or_dname(is.flags) ? 1U : ~0U;
    std::size_t deepest = counts.size() - 1;
    while (deepest > 0 && counts[deepest] == 0) {
      --deepest;
    }
    zone_->deepest_cut_ = static_cast<std::uint8_t>(deepest);
  }
}

Offset Draft::make_node(const Place& at, const State& state) {
  std::size_t size = Node::kHeader + at.below.size();
  size += state.children > 0 ? Node::kChildren : 0;
  for (const Part& part : state.parts) {
    size += Node::kRrsetHeader + part.wire.size();
  }
  const Offset block = arena_.allocate(size);
  std::uint8_t* out = arena_.at(block);
  out[0] = state.flags;
  out[1] = static_cast<std::uint8_t>(at.below.size());
  write(out + 2, static_cast<std::uint16_t>(state.parts.size()));
  out += Node::kHeader;
  if (state.children > 0) {
    write(out, state.children);
    out += Node::kChildren;
  }
  out = write_name(out, at, !state.parts.empty());
  for (const Part& part : state.parts) {
    write(out, part.count);
    write(out + 2, static_cast<std::uint32_t>(part.wire.size()));
    std::memcpy(out + Node::kRrsetHeader, part.wire.data(), part.wire.size());
    out += Node::kRrsetHeader + part.wire.size();
  }
  return block;
}

// The case stays in which the name itself was first written, as in its rows. One that is there only
// for what lies below it was not written by anybody: lower case.
std::uint8_t* Draft::write_name(std::uint8_t* out, const Place& at, bool has_records) const {
  if (!has_records) {
    return std::transform(at.below.begin(), at.below.end(), out, to_lower);
  }
  const bool is_written = at.block != 0 && !Node(arena_.at(at.block)).is_empty();
  const std::string_view below = is_written ? Node(arena_.at(at.block)).name() : at.below;
  return std::copy(below.begin(), below.end(), out);
}

void Draft::summarize_apex(const State& apex) {
  const auto part = std::find_if(apex.parts.begin(), apex.parts.end(),
                                 [](const Part& p) { return p.type == Type::kSoa; });
  Zone::NegativeSoa& out = zone_->soa_;
  out = Zone::NegativeSoa();
  if (part == apex.parts.end()) {
    return;
  }
  const RrsetView view{part->type, part->count, part->wire};
  const auto soa = Soa::parse(view.first_rdata());
  MC_ASSERT(soa.has_value(), "an SOA in a zone is well formed");
  zone_->serial_ = soa->serial;

  std::string rdata;
  std::vector<std::size_t> pointers;
  for (const Name* name : {&soa->primary_ns, &soa->admin_email}) {
    if (name->is_within(zone_->origin_) && !zone_->origin_.is_root()) {
      rdata += name->wire().substr(0, name->size() - zone_->origin_.size());
      pointers.push_back(kRecordHead + rdata.size());
      rdata += std::string(2, '\0');
    } else {
      rdata += name->wire();
    }
  }
  for (const std::uint32_t number :
       {soa->serial, soa->refresh_s, soa->retry_s, soa->expire_s, soa->minimum_ttl_s}) {
    append32(rdata, number);
  }
  // RFC 2308 section 3: the smaller of the SOA's TTL and its minimum.
  const std::string wire =
      record_head(Type::kSoa, std::min(view.ttl(), soa->minimum_ttl_s), rdata.size()) + rdata;
  std::memcpy(out.wire.data(), wire.data(), wire.size());
  out.size = static_cast<std::uint16_t>(wire.size());
  out.patch[out.patches++] = 0;
  for (const std::size_t at : pointers) {
    out.patch[out.patches++] = static_cast<std::uint16_t>(at);
  }
}

}  // namespace mcns::zone
