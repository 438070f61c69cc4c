#include "mcns/writer/auto_ptr.h"

#include <algorithm>

#include "mcns/rdata/rdata.h"

namespace mcns::writer {
namespace {

using dsl::Result;
using store::RecordRow;

struct AddressChange {
  Name reverse;
  Name owner;
  bool added = false;
};

std::vector<AddressChange> address_changes(Draft& draft) {
  std::vector<AddressChange> removed;
  std::vector<AddressChange> added;
  for (auto& [key, name] : draft.names()) {
    if (name.name.is_wildcard()) {
      continue;
    }
    const NameDiff changes = diff(name);
    for (const RecordRow* row : changes.removed) {
      if (auto reverse = reverse_name(row->type, row->rdata)) {
        removed.push_back({*std::move(reverse), name.name, false});
      }
    }
    for (const RecordRow* row : changes.added) {
      if (auto reverse = reverse_name(row->type, row->rdata)) {
        added.push_back({*std::move(reverse), name.name, true});
      }
    }
  }
  // An address that moves to another name finds its old PTR gone.
  std::move(added.begin(), added.end(), std::back_inserter(removed));
  return removed;
}

// Why the name is not ours to give a PTR; empty when it is.
Result<std::string> obstacle(Work& work, Draft& draft, const DraftName& name) {
  const auto foreign = std::find_if(name.after.begin(), name.after.end(), [](const RecordRow& row) {
    return row.type == Type::kCname || (row.type == Type::kPtr && row.owner != kAutoPtr);
  });
  if (foreign != name.after.end()) {
    return dsl::text("there is {}, which {} made", text(*foreign), foreign->owner);
  }
  MC_ASSIGN(const DraftName* above, draft.find_dname_above(work.tx, name.name));
  return above == nullptr ? std::string() : dsl::text("{} is a DNAME", above->name.text());
}

Result<void> follow(Work& work, const AddressChange& change) {
  const store::ZoneRow* zone = work.zones.enclosing(change.reverse);
  if (zone == nullptr) {
    return {};
  }
  Draft& draft = work.draft(*zone);
  if (&draft != work.drafts.front().get()) {
    draft.source = kAutoPtr;
  }
  MC_ASSIGN(DraftName * name, draft.name(work.tx, change.reverse));
  const Bytes canonical = change.owner.lower();
  const auto is_ours = [&](const RecordRow& row) {
    return row.type == Type::kPtr && row.owner == kAutoPtr;
  };
  if (!change.added) {
    std::erase_if(name->after,
                  [&](const RecordRow& row) { return is_ours(row) && row.canonical == canonical; });
    return {};
  }
  MC_ASSIGN(const std::string why_not, obstacle(work, draft, *name));
  if (!why_not.empty()) {
    work.warnings.push_back(dsl::text("{} did not get a PTR for {}: {}", change.reverse.text(),
                                      change.owner.text(), why_not));
    return {};
  }
  const auto there = std::find_if(name->after.begin(), name->after.end(), is_ours);
  const std::uint32_t ttl = there == name->after.end() ? zone->default_ttl : there->ttl;
  if (std::none_of(name->after.begin(), name->after.end(), [&](const RecordRow& row) {
        return is_ours(row) && row.canonical == canonical;
      })) {
    name->after.push_back({.zone_id = draft.zone.id,
                           .name = name->name,
                           .type = Type::kPtr,
                           .ttl = ttl,
                           .rdata = change.owner.wire(),
                           .canonical = canonical,
                           .owner = kAutoPtr,
                           .created_at = work.now,
                           .updated_at = work.now});
  }
  return {};
}

}  // namespace

std::optional<Name> reverse_name(Type type, BytesView rdata) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  if (type == Type::kA && rdata.size() == 4) {
    for (std::size_t i = 4; i-- > 0;) {
      text += dsl::text("{}.", static_cast<unsigned>(static_cast<std::uint8_t>(rdata[i])));
    }
    text += "in-addr.arpa.";
  } else if (type == Type::kAaaa && rdata.size() == 16) {
    for (std::size_t i = 16; i-- > 0;) {
      const auto octet = static_cast<std::uint8_t>(rdata[i]);
      text += {kDigits[octet & 15U], '.', kDigits[octet >> 4U], '.'};
    }
    text += "ip6.arpa.";
  } else {
    return std::nullopt;
  }
  auto name = Name::parse(text);
  MC_ASSERT(name.has_value(), "the reverse name of an address is a name");
  return *std::move(name);
}

Result<void> maintain_ptr(Work& work) {
  // Reverse zones join the drafts meanwhile; their own changes have no addresses to follow.
  const std::size_t drafts = work.drafts.size();
  for (std::size_t i = 0; i < drafts; ++i) {
    if (work.drafts[i]->zone.auto_ptr) {
      for (const AddressChange& change : address_changes(*work.drafts[i])) {
        MC_TRY(follow(work, change));
      }
    }
  }
  return {};
}

}  // namespace mcns::writer
