#include "mcns/zone/zone.h"

#include "mcns/zone/page.h"

namespace mcns::zone {
namespace {

template <class Number>
Number read(const std::uint8_t* at) {
  Number number = 0;
  std::memcpy(&number, at, sizeof(number));
  return number;
}

// Of an RRset: the first record has it behind the pointer to its owner.
Type type_of(const std::uint8_t* at) {
  const std::uint8_t* type = at + Node::kRrsetHeader + 2;
  return static_cast<Type>((unsigned{type[0]} << 8U) | type[1]);
}

std::uint32_t size_of(const std::uint8_t* at) { return read<std::uint32_t>(at + 2); }

}  // namespace

std::uint32_t RrsetView::ttl() const {
  const auto* at = reinterpret_cast<const std::uint8_t*>(wire.data()) + 6;
  return (std::uint32_t{at[0]} << 24U) | (std::uint32_t{at[1]} << 16U) |
         (std::uint32_t{at[2]} << 8U) | at[3];
}

std::string_view RrsetView::first_rdata() const {
  const auto* size = reinterpret_cast<const std::uint8_t*>(wire.data()) + 10;
  return wire.substr(12, (std::size_t{size[0]} << 8U) | size[1]);
}

std::uint32_t Node::children() const {
  return has(kParent) ? read<std::uint32_t>(at_ + kHeader) : 0;
}

std::uint16_t Node::rrset_count() const { return read<std::uint16_t>(at_ + 2); }

RrsetView Node::view(const std::uint8_t* at) {
  return {type_of(at),
          read<std::uint16_t>(at),
          {reinterpret_cast<const char*>(at) + kRrsetHeader, size_of(at)}};
}

std::optional<RrsetView> Node::find(Type type) const {
  const std::uint8_t* at = rrsets();
  for (unsigned i = rrset_count(); i > 0; --i) {
    if (type_of(at) == type) {
      return view(at);
    }
    at += kRrsetHeader + size_of(at);
  }
  return std::nullopt;
}

std::size_t Node::size_bytes() const {
  const std::uint8_t* at = rrsets();
  for (unsigned i = rrset_count(); i > 0; --i) {
    at += kRrsetHeader + size_of(at);
  }
  return static_cast<std::size_t>(at - at_);
}

const Page& Zone::page(std::uint64_t hash) const {
  const std::size_t index = depth_ == 0 ? 0 : hash >> (64U - depth_);
  return *reinterpret_cast<const Page*>(arena_->at(directory_[index]));
}

Node Zone::find(const QueryName& name, std::size_t labels) const {
  if (labels == origin_labels_) {
    return apex();
  }
  const std::string_view wire = name.suffix(labels);
  return find(name.suffix_hash[labels], wire.substr(0, wire.size() - origin_.size()));
}

Node Zone::find_wildcard(const QueryName& name, std::size_t labels) const {
  const std::string_view wire = name.suffix(labels);
  const std::string_view parent = wire.substr(0, wire.size() - origin_.size());
  std::array<char, kNameMax + 2> below;
  below[0] = 1;
  below[1] = '*';
  std::memcpy(below.data() + 2, parent.data(), parent.size());
  return find(child_hash(name.suffix_hash[labels], {below.data(), 2}),
              {below.data(), 2 + parent.size()});
}

Node Zone::find(std::uint64_t hash, std::string_view below) const {
  if (directory_.empty()) {
    return {};
  }
  const Page& slots = page(hash);
  const std::uint32_t tag = Page::tag(hash);
  for (unsigned i = slots.first(tag);; i = slots.next(i)) {
    const Slot slot = slots.slot(i);
    if (slot.node == 0) {
      return {};
    }
    if (slot.tag == tag) {
      const Node node(arena_->at(slot.node));
      if (equal_ignoring_case(node.name(), below)) {
        return node;
      }
    }
  }
}

void Zone::prefetch(const QueryName& name, std::size_t labels, Ahead step) const {
  if (directory_.empty()) {
    return;
  }
  const std::uint64_t hash = name.suffix_hash[labels];
  const std::uint32_t tag = Page::tag(hash);
  const Page& slots = page(hash);
  switch (step) {
    case Ahead::kTable:
      __builtin_prefetch(&slots);
      return;
    case Ahead::kSlot:
      __builtin_prefetch(slots.address(tag));
      return;
    case Ahead::kEntry:
      for (unsigned i = slots.first(tag); slots.slot(i).node != 0; i = slots.next(i)) {
        if (slots.slot(i).tag == tag) {
          __builtin_prefetch(arena_->at(slots.slot(i).node));
          return;
        }
      }
      return;
  }
}

void Zone::each(const std::function<void(Node)>& use) const {
  if (apex_ != 0) {
    use(apex());
  }
  Offset before = 0;
  for (const Offset block : directory_) {
    // Entries that share a page lie side by side.
    if (block == before) {
      continue;
    }
    before = block;
    reinterpret_cast<const Page*>(arena_->at(block))->each([&](Slot slot) {
      use(Node(arena_->at(slot.node)));
    });
  }
}

}  // namespace mcns::zone
