#include "dsl/result/result.h"
#include "mcns/zone/draft.h"

namespace mcns::zone {

Offset Table::find(std::uint64_t hash, std::string_view below) const {
  if (directory_.empty()) {
    return 0;
  }
  const Page& slots = page(directory_[index_of(hash)]);
  const std::uint32_t tag = Page::tag(hash);
  for (unsigned i = slots.first(tag); slots.slot(i).node != 0; i = slots.next(i)) {
    const Slot slot = slots.slot(i);
    if (slot.tag == tag && equal_ignoring_case(Node(arena_.at(slot.node)).name(), below)) {
      return slot.node;
    }
  }
  return 0;
}

void Table::insert(std::uint64_t hash, Offset node) {
  if (directory_.empty()) {
    directory_.push_back(make(Page::kSlotsMin, 0));
  }
  while (page(directory_[index_of(hash)]).is_full()) {
    const unsigned slots = page(directory_[index_of(hash)]).slots();
    if (slots < Page::kSlotsMax) {
      remake(hash, Page::larger(slots), 0);
    } else {
      split(hash);
    }
  }
  own_page(hash).insert({Page::tag(hash), node});
}

void Table::replace(std::uint64_t hash, Offset old_node, Offset node) {
  Page& slots = own_page(hash);
  unsigned i = slots.first(Page::tag(hash));
  while (slots.slot(i).node != old_node) {
    MC_ASSERT(slots.slot(i).node != 0, "the node is in its page");
    i = slots.next(i);
  }
  slots.set(i, node);
}

void Table::remove(std::uint64_t hash, Offset node) {
  remake(hash, page(directory_[index_of(hash)]).slots(), node);
}

void Table::discard_pages() {
  Offset before = 0;
  for (const Offset block : directory_) {
    if (block != before) {
      drop(block);
    }
    before = block;
  }
  directory_.clear();
  depth_ = 0;
}

Page& Table::own_page(std::uint64_t hash) {
  const Offset block = directory_[index_of(hash)];
  return own_.count(block) != 0 ? page(block) : remake(hash, page(block).slots(), 0);
}

Page& Table::remake(std::uint64_t hash, unsigned slots, Offset without) {
  const Offset old_block = directory_[index_of(hash)];
  const Page& old_page = page(old_block);
  const Offset block = make(slots, old_page.depth());
  Page& made = page(block);
  old_page.each([&](Slot slot) {
    if (slot.node != without) {
      made.insert(slot);
    }
  });
  point(hash, made.depth(), block);
  drop(old_block);
  return made;
}

void Table::split(std::uint64_t hash) {
  const Offset old_block = directory_[index_of(hash)];
  const Page& old_page = page(old_block);
  const unsigned depth = old_page.depth();
  MC_ASSERT(depth < 31, "hashes differ");
  const auto is_upper = [depth](Slot slot) { return ((slot.tag >> (31U - depth)) & 1U) != 0; };

  if (depth == depth_) {
    std::vector<Offset> twice;
    twice.reserve(2 * directory_.size());
    for (const Offset block : directory_) {
      twice.insert(twice.end(), 2, block);
    }
    directory_ = std::move(twice);
    ++depth_;
  }
  unsigned uppers = 0;
  old_page.each([&](Slot slot) { uppers += is_upper(slot) ? 1U : 0U; });
  const Offset lower = make(Page::slots_for(old_page.used() - uppers), depth + 1);
  const Offset upper = make(Page::slots_for(uppers), depth + 1);
  old_page.each([&](Slot slot) { page(is_upper(slot) ? upper : lower).insert(slot); });
  const std::uint64_t bit = std::uint64_t{1} << (63U - depth);
  point(hash & ~bit, depth + 1, lower);
  point(hash | bit, depth + 1, upper);
  drop(old_block);
}

Offset Table::make(unsigned slots, unsigned depth) {
  const Offset block = arena_.allocate(Page::size_bytes(slots));
  page(block).clear(slots, depth);
  own_.insert(block);
  return block;
}

void Table::drop(Offset block) {
  const auto size_bytes = static_cast<std::uint32_t>(page(block).size_bytes());
  if (own_.erase(block) != 0) {
    arena_.release(block, size_bytes);
  } else {
    garbage_.discard({block, size_bytes});
  }
}

void Table::point(std::uint64_t hash, unsigned depth, Offset block) {
  const std::size_t count = std::size_t{1} << (depth_ - depth);
  const std::size_t begin = depth == 0 ? 0 : (hash >> (64U - depth)) * count;
  std::fill_n(directory_.begin() + static_cast<std::ptrdiff_t>(begin), count, block);
}

}  // namespace mcns::zone
