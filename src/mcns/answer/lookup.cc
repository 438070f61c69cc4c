#include "mcns/answer/lookup.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "dsl/result/text.h"
#include "mcns/rdata/rdata.h"
#include "mcns/wire/name.h"

namespace mcns {
namespace {

using zone::Node;
using zone::RrsetView;
using zone::Zone;

std::string shown(std::string_view wire) {
  const auto name = Name::from_wire(wire);
  return name ? name->text() : "?";
}

bool is_address(Type type) { return type == Type::kA || type == Type::kAaaa; }

bool is_within(std::string_view name, std::string_view ancestor) {
  if (name.size() < ancestor.size()) {
    return false;
  }
  const std::size_t head = name.size() - ancestor.size();
  std::size_t at = 0;
  while (at < head) {
    at += 1U + static_cast<std::uint8_t>(name[at]);
  }
  return at == head && equal_ignoring_case(name.substr(head), ancestor);
}

// The uncompressed name that begins there.
std::string_view name_at(const char* wire) {
  std::size_t size = 0;
  while (wire[size] != 0) {
    size += 1U + static_cast<std::uint8_t>(wire[size]);
  }
  return {wire, size + 1};
}

// Of a host whose addresses are looked for. RFC 2181 section 10.3: it is no CNAME itself, but what
// its ALIAS leads to may be.
bool leads_on(const Node& node, unsigned links) {
  return node.has(Node::kAlias) || (links > 0 && node.has(Node::kCname));
}

}  // namespace

Lookup::Result Lookup::run(const Options& options) {
  name_ = &query_.name;
  labels_ = name_->labels;
  vicinity_ = options.vicinity;
  forward_ = options.forward;
  follow_ = options.follow;
  dnames_[0] = nullptr;
  while (true) {
    zone_ = version_.find_zone(*name_);
    asks_parent_ = false;
    // RFC 4035 section 3.1.4.1: DS belongs to the parent, as far as we have it.
    if (zone_ != nullptr && query_.type == Type::kDs && name_->labels > 0 &&
        name_->labels == zone_->origin_labels()) {
      const Zone* parent = version_.find_zone(*name_, name_->labels - 1U);
      asks_parent_ = parent != nullptr;
      zone_ = asks_parent_ ? parent : zone_;
    }
    if (zone_ == nullptr) {
      if (links_ == 0) {
        return Result::kNotOurs;
      }
      return leave();
    }
    first_zone_ = links_ == 0 ? zone_ : first_zone_;
    if (trace_ != nullptr) {
      note("zone", dsl::text("{} serial {}", zone_->origin().text(), zone_->serial()));
    }
    const Step step = in_zone(options);
    if (step != Step::kChase) {
      return step == Step::kDone ? Result::kDone : leave();
    }
  }
}

Lookup::Result Lookup::leave() {
  if (cut_) {
    note("delegation", "is followed: its servers are asked");
  } else {
    note("chain", "leaves our zones");
  }
  if (!unseen_) {
    return forward_ ? Result::kLeaves : Result::kDone;
  }
  // Whoever asks: the addresses of the target are our own data. That there are none is said here,
  // where the owner's zone is known.
  (void)negative(Rcode::kNoError);
  return truncated_ ? Result::kDone : Result::kLeaves;
}

std::optional<Answer::Alias> Lookup::alias() const {
  if (!unseen_) {
    return std::nullopt;
  }
  return Answer::Alias{name_at(response_.text(name_at_).data()), unseen_->ttl};
}

Lookup::Step Lookup::in_zone(const Options& options) {
  const std::size_t apex = zone_->origin_labels();
  const std::size_t depth = name_->labels - apex;
  if (const auto step = above(depth)) {
    return *step;
  }
  if (const Node node = zone_->find(*name_, name_->labels)) {
    note("name", node.is_empty() ? "is there, an empty non-terminal" : "is there");
    return at_node(node, options);
  }
  // RFC 8020: NXDOMAIN would deny the child zone and all that is in it, which we serve.
  if (asks_parent_) {
    note("name", "is a zone of ours, without a delegation");
    return negative(Rcode::kNoError);
  }
  // RFC 4592 section 3.3.1: the closest encloser is the longest suffix that exists.
  std::size_t labels = name_->labels - 1U;
  Node encloser = zone_->find(*name_, labels);
  while (!encloser) {
    encloser = zone_->find(*name_, --labels);
  }
  if (trace_ != nullptr) {
    note("closest encloser", shown(name_->suffix(labels)));
  }
  if (encloser.has(Node::kWildcardChild)) {
    if (const Node wildcard = zone_->find_wildcard(*name_, labels)) {
      note("wildcard", "below the closest encloser");
      note_made_from(labels);
      return at_node(wildcard, options);
    }
  }
  note("name", "is not there");
  return negative(Rcode::kNxDomain);
}

std::optional<Lookup::Step> Lookup::above(std::size_t depth) {
  for (std::size_t d = 0; d <= std::min(depth, zone_->deepest_cut()); ++d) {
    if (!zone_->has_cut_at(d)) {
      continue;
    }
    const std::size_t labels = zone_->origin_labels() + d;
    const Node node = zone_->find(*name_, labels);
    if (!node) {
      return std::nullopt;  // then nothing is below it either
    }
    // RFC 4035 section 3.1.4.1: the parent answers for DS itself.
    if (node.has(Node::kCut) && !(d == depth && query_.type == Type::kDs)) {
      return referral(node, labels);
    }
    if (node.has(Node::kDname) && d < depth) {
      return through_dname(node, labels);
    }
  }
  return std::nullopt;
}

Lookup::Step Lookup::at_node(const Node& node, const Options& options) {
  if (query_.type == Type::kAny) {
    return any(node, options);
  }
  if (node.has(Node::kCname) && query_.type != Type::kCname) {
    const RrsetView cname = *node.find(Type::kCname);
    if (unseen_) {
      return follow_unseen(cname.ttl(), name_at(cname.first_rdata().data()));
    }
    add(Section::kAnswer, cname, name_at_);
    return truncated_ ? Step::kDone
                      : follow(name_at(cname.first_rdata().data()), response_.last_rdata());
  }
  const auto rrset = node.find(query_.type);
  if (!rrset || query_.type == Type::kAlias) {
    if (node.has(Node::kAlias) && is_address(query_.type)) {
      return through_alias(*node.find(Type::kAlias));
    }
    note("type", "is not there");
    return negative(Rcode::kNoError);
  }
  if (!is_there(*rrset)) {
    add(Section::kAnswer, *rrset, name_at_, options.turn);
    if (unseen_ && !truncated_) {
      response_.bound_ttl(unseen_->ttl);
    }
  }
  add_addresses(false, {});
  return Step::kDone;
}

Lookup::Step Lookup::any(const Node& node, const Options& options) {
  if (node.is_empty()) {
    return negative(Rcode::kNoError);
  }
  if (options.any == AnyAnswer::kHinfo) {
    return any_hinfo();
  }
  bool first = true;
  node.each([&](const RrsetView& rrset) {
    if (rrset.type == Type::kAlias) {
      return;  // how we come by addresses is no data of the name
    }
    // RFC 8482 section 4.1: one of them will do.
    if (first || options.any == AnyAnswer::kFull) {
      add(Section::kAnswer, rrset, name_at_, options.turn);
    }
    first = false;
  });
  return first ? any_hinfo() : Step::kDone;
}

// RFC 8482 section 4.2.
Lookup::Step Lookup::any_hinfo() {
  static constexpr std::string_view kHinfo("\x07RFC8482\x00", 9);
  truncated_ =
      !response_.add_record(Section::kAnswer, name_at_, Type::kHinfo, Class::kIn, 3600, kHinfo);
  return Step::kDone;
}

Lookup::Step Lookup::referral(const Node& cut, std::size_t labels) {
  const std::string_view name = name_->suffix(labels);
  if (trace_ != nullptr) {
    note("cut", shown(name));
  }
  if (follow_ && (forward_ || unseen_)) {
    cut_ = Answer::Cut{zone_, labels};
    return Step::kLeaves;
  }
  if (unseen_) {
    return Step::kLeaves;
  }
  authoritative_ = links_ > 0;
  add(Section::kAuthority, *cut.find(Type::kNs), suffix_at(labels));
  add_addresses(true, name);
  return Step::kDone;
}

Lookup::Step Lookup::through_dname(const Node& node, std::size_t labels) {
  if (trace_ != nullptr) {
    note("dname", shown(name_->suffix(labels)));
  }
  note_made_from(labels);
  const RrsetView dname = *node.find(Type::kDname);
  if (!unseen_ && !is_there(dname)) {
    add(Section::kAnswer, dname, suffix_at(labels));
  }
  dnames_[links_] = dname.wire.data();
  if (truncated_) {
    return Step::kDone;
  }
  // RFC 6672 section 3.1: the labels in front of the owner, in front of the target.
  const std::string_view head =
      name_->wire.substr(0, name_->wire.size() - name_->suffix(labels).size());
  const std::string_view tail = name_at(dname.first_rdata().data());
  if (head.size() + tail.size() > kNameMax) {
    if (unseen_) {
      return negative(Rcode::kNoError);
    }
    rcode_ = Rcode::kYxDomain;
    return Step::kDone;
  }
  std::array<char, kNameMax>& target = made_[links_];
  std::memcpy(target.data(), head.data(), head.size());
  std::memcpy(target.data() + head.size(), tail.data(), tail.size());
  const std::size_t size = head.size() + tail.size();
  if (unseen_) {
    return follow_unseen(dname.ttl(), {target.data(), size});
  }
  const NameAt at = response_.add_cname(name_at_, dname.ttl(), {target.data(), size});
  if (at == 0) {
    truncated_ = true;
    return Step::kDone;
  }
  if (query_.type == Type::kCname || query_.type == Type::kAny) {
    return Step::kDone;  // the CNAME that was made is the answer
  }
  return follow(response_.text(at).substr(0, size), at);
}

Lookup::Step Lookup::through_alias(const RrsetView& alias) {
  note("ALIAS", "the addresses of the name below are its own");
  if (!unseen_) {
    unseen_ = Unseen{alias.ttl(), zone_, suffix_at(zone_->origin_labels())};
  }
  return follow_unseen(alias.ttl(), name_at(alias.first_rdata().data()));
}

Lookup::Step Lookup::follow_unseen(std::uint32_t ttl, std::string_view target) {
  unseen_->ttl = std::min(unseen_->ttl, ttl);
  return follow(target, name_at_);
}

// RFC 6604: what the last name of the chain gives is the rcode; a loop or a chain that is too long
// ends with the links found so far.
Lookup::Step Lookup::follow(std::string_view target, NameAt at) {
  visited_[links_++] = name_->wire.data();
  dnames_[links_] = nullptr;
  if (trace_ != nullptr) {
    note("alias", shown(target));
  }
  if (is_loop(target) || links_ >= kChaseMax || at > 0x3f00) {
    note("chain", "ends here: a loop, or too long");
    return unseen_ ? negative(Rcode::kNoError) : Step::kDone;
  }
  (void)read_query_name(target, chased_);  // names of ours are well formed
  name_ = &chased_;
  name_at_ = at;
  return Step::kChase;
}

// RFC 2181 section 5: an RRset has no record twice, and a chain can come by a DNAME again.
bool Lookup::is_there(const RrsetView& rrset) const {
  return std::find(dnames_.begin(), dnames_.begin() + links_, rrset.wire.data()) !=
         dnames_.begin() + links_;
}

bool Lookup::is_loop(std::string_view target) const {
  return std::any_of(visited_.begin(), visited_.begin() + links_, [target](const char* name) {
    return equal_ignoring_case(name_at(name), target);
  });
}

Lookup::Step Lookup::negative(Rcode rcode) {
  // A target that is not there takes nothing from the owner of the ALIAS but its addresses.
  rcode_ = unseen_ ? Rcode::kNoError : rcode;
  const bool fits = unseen_ ? response_.add_soa(*unseen_->zone, unseen_->origin_at)
                            : response_.add_soa(*zone_, suffix_at(zone_->origin_labels()));
  truncated_ = truncated_ || !fits;
  return Step::kDone;
}

void Lookup::add(Section section, const RrsetView& rrset, NameAt owner, unsigned turn) {
  if (!truncated_ && !write(section, rrset, owner, origin(), turn)) {
    truncated_ = true;
  }
}

bool Lookup::write(Section section, const RrsetView& rrset, NameAt owner, const Origin& origin,
                   unsigned turn) {
  if (vicinity_ == nullptr || rrset.count < 2 || !is_address(rrset.type)) {
    return response_.add(section, rrset, owner, origin, turn);
  }
  if (trace_ != nullptr) {
    note_places(rrset);
  }
  return response_.add_addresses(section, rrset, owner, *vicinity_, turn);
}

void Lookup::note_places(const RrsetView& rrset) const {
  using Place = Vicinity::Place;
  std::array<std::string, 3> lists;
  rrset.each([&](std::string_view, std::string_view rdata) {
    std::string& list = lists.at(static_cast<std::size_t>(vicinity_->place_of(rdata)));
    list += (list.empty() ? "" : ", ") + rdata_text(rrset.type, rdata);
  });
  const std::string& near = lists.at(static_cast<std::size_t>(Place::kNear));
  const std::string& anywhere = lists.at(static_cast<std::size_t>(Place::kAnywhere));
  const std::string& elsewhere = lists.at(static_cast<std::size_t>(Place::kElsewhere));
  if (!near.empty()) {
    note("first", near);
  }
  if (vicinity_->only_reachable() && !elsewhere.empty()) {
    const bool are_all = near.empty() && anywhere.empty();
    note(are_all ? "not left out" : "left out",
         are_all ? elsewhere + ", as there is nothing else" : elsewhere);
  }
}

// RFC 9471: glue below the cut has to be there, or the answer says that it is not whole; any other
// address is there if it fits.
void Lookup::add_addresses(bool glue, std::string_view cut) {
  if (truncated_) {
    return;
  }
  for (const bool below_cut : {true, false}) {
    for (std::size_t i = 0; i < response_.target_count(); ++i) {
      const Target target = response_.targets()[i];
      if ((glue && is_within(target.text(), cut)) != below_cut) {
        continue;
      }
      const bool known = std::any_of(
          response_.targets(), response_.targets() + i,
          [&](const Target& each) { return equal_ignoring_case(each.text(), target.text()); });
      if (known) {
        continue;
      }
      if (!add_addresses_of(target, glue) && below_cut) {
        truncated_ = true;
        return;
      }
    }
  }
}

bool Lookup::add_addresses_of(const Target& target, bool glue) {
  QueryName name;
  (void)read_query_name(target.text(), name);
  Node node = host(name, glue);
  // An ALIAS, as far as our own zones have the names on the way: nobody is asked for what is
  // optional.
  std::uint32_t ttl = std::numeric_limits<std::uint32_t>::max();
  unsigned links = 0;
  for (; node && leads_on(node, links) && links < kChaseMax; ++links) {
    const RrsetView link = *node.find(node.has(Node::kAlias) ? Type::kAlias : Type::kCname);
    ttl = std::min(ttl, link.ttl());
    (void)read_query_name(name_at(link.first_rdata().data()), name);
    node = host(name, false);
  }
  bool whole = true;
  for (const Type type : {Type::kA, Type::kAaaa}) {
    if (const auto rrset = node ? node.find(type) : std::nullopt) {
      const bool fits = write(Section::kAdditional, *rrset, target.at, {}, 0);
      if (fits && links > 0) {
        response_.bound_ttl(ttl);
      }
      whole = fits && whole;
    }
  }
  return whole;
}

// What our zones have of exactly that name.
Node Lookup::host(const QueryName& name, bool glue) const {
  const Zone* zone = version_.find_zone(name);
  if (zone == nullptr) {
    return {};
  }
  // What lies below a cut is good as glue only.
  for (std::size_t d = 1;
       !glue && d + zone->origin_labels() <= name.labels && d <= zone->deepest_cut(); ++d) {
    if (zone->has_cut_at(d)) {
      const Node node = zone->find(name, zone->origin_labels() + d);
      if (node && node.has(Node::kCut)) {
        return {};
      }
    }
  }
  return zone->find(name, name.labels);
}

}  // namespace mcns
