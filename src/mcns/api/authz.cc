#include "mcns/api/authz.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mcns::api {

using dsl::Code;
using dsl::fail;

namespace {

constexpr std::array<std::pair<Verb, std::string_view>, 3> kVerbs{
    {{Verb::kAdd, "add"}, {Verb::kSet, "set"}, {Verb::kDelete, "delete"}}};

// They hand a part of the zone to somebody else: an account that has a name does not have that.
bool is_structural(Type type) {
  return type == Type::kNs || type == Type::kDs || type == Type::kDname;
}

bool is_letter_or_digit(char c) {
  const char lower = to_lower(c);
  return (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
}

// RFC 1123 section 2.1: letters, digits and hyphens, no hyphen at an end.
bool is_host_label(std::string_view label) {
  return !label.empty() && label.size() <= kLabelMax && is_letter_or_digit(label.front()) &&
         is_letter_or_digit(label.back()) && std::all_of(label.begin(), label.end(), [](char c) {
           return is_letter_or_digit(c) || c == '-';
         });
}

bool has_wildcard_label(const Name& name, std::size_t labels) {
  Name rest = name;
  for (std::size_t i = 0; i < labels; ++i, rest = rest.parent()) {
    if (rest.first_label() == "*") {
      return true;
    }
  }
  return false;
}

// `account`.`zone`, or names of underscore labels below that.
bool is_own_name(std::string_view account, const Claim& claim) {
  const std::size_t zone_labels = claim.zone.label_count();
  if (!is_host_label(account) || !claim.name.is_within(claim.zone) ||
      claim.name.label_count() <= zone_labels) {
    return false;
  }
  Name rest = claim.name;
  for (; rest.label_count() > zone_labels + 1; rest = rest.parent()) {
    if (!rest.first_label().starts_with('_')) {
      return false;
    }
  }
  return equal_ignoring_case(rest.first_label(), account);
}

std::vector<std::string_view> labels_of(std::string_view pattern) {
  std::vector<std::string_view> labels;
  while (true) {
    const std::size_t dot = pattern.find('.');
    labels.push_back(pattern.substr(0, dot));
    if (dot == std::string_view::npos) {
      return labels;
    }
    pattern.remove_prefix(dot + 1);
  }
}

bool matches_label(std::string_view pattern, std::string_view label) {
  if (pattern == "\\*") {
    return label == "*";
  }
  return pattern == "*" ? label != "*" : equal_ignoring_case(pattern, label);
}

std::string_view rule_of(Standing standing) {
  switch (standing) {
    case Standing::kSystem:
      return "a system account writes ACCOUNT.ZONE and underscore names below it, but no NS, DS, "
             "DNAME and no wildcard; an administrator may grant more: mcns grant add";
    case Standing::kPerson:
      return "people read; an administrator may grant more: mcns grant add";
    case Standing::kGuest:
      return "guests may do nothing here";
    case Standing::kAdmin:
    case Standing::kAgent:
      break;
  }
  return "";
}

}  // namespace

std::string_view text(Verb verb) {
  return std::find_if(kVerbs.begin(), kVerbs.end(),
                      [&](const auto& row) { return row.first == verb; })
      ->second;
}

std::optional<Verb> parse_verb(std::string_view text) {
  const auto row = std::find_if(kVerbs.begin(), kVerbs.end(),
                                [&](const auto& known) { return known.second == text; });
  return row == kVerbs.end() ? std::nullopt : std::optional(row->first);
}

bool matches_pattern(std::string_view pattern, const Name& name, const Name& zone) {
  if (!name.is_within(zone)) {
    return false;
  }
  const std::size_t below = name.label_count() - zone.label_count();
  if (pattern == "@") {
    return below == 0;
  }
  std::vector<std::string_view> wanted = labels_of(pattern);
  const bool deep = wanted.front() == "**";
  if (deep ? below < wanted.size() : below != wanted.size()) {
    return false;
  }
  if (deep) {
    const std::size_t any = below - (wanted.size() - 1);
    if (has_wildcard_label(name, any)) {
      return false;
    }
    wanted.erase(wanted.begin());
  }
  Name rest = name.suffix(zone.label_count() + wanted.size());
  return std::all_of(wanted.begin(), wanted.end(), [&](std::string_view label) {
    const bool same = matches_label(label, rest.first_label());
    rest = rest.parent();
    return same;
  });
}

Result<void> check_pattern(std::string_view pattern) {
  if (pattern == "@") {
    return {};
  }
  const std::vector<std::string_view> labels = labels_of(pattern);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::string_view label = labels[i];
    const bool special = label == "*" || label == "\\*" || (label == "**" && i == 0);
    const bool plain = !label.empty() && label.size() <= kLabelMax &&
                       label.find_first_of("*\\@ ") == std::string_view::npos;
    if (!special && !plain) {
      return fail(Code::kInvalidArgument, "\"{}\" is no label of a name pattern", label)
          .hint("labels below the zone, such as _acme-challenge.* or @ for the zone itself");
    }
  }
  return {};
}

Standing standing_of(const dsl::rpc::Caller& caller,
                     const std::vector<std::string>& agent_accounts) {
  if (caller.has_role("admin")) {
    return Standing::kAdmin;
  }
  if (caller.account_type == "system") {
    const bool agent = std::find(agent_accounts.begin(), agent_accounts.end(), caller.subject) !=
                       agent_accounts.end();
    return agent ? Standing::kAgent : Standing::kSystem;
  }
  // An account type that is not known here is trusted with nothing.
  return caller.account_type == "user" ? Standing::kPerson : Standing::kGuest;
}

bool owns(Standing standing, std::string_view account, const Claim& claim) {
  switch (standing) {
    case Standing::kAdmin:
    case Standing::kAgent:
      return true;
    case Standing::kSystem:
      return is_own_name(account, claim) && !(claim.type && is_structural(*claim.type));
    case Standing::kPerson:
    case Standing::kGuest:
      break;
  }
  return false;
}

bool allows(const Grant& grant, std::string_view account, const Claim& claim,
            dsl::env::WallTime now) {
  if (grant.account != account || (grant.expires_at && *grant.expires_at <= now) ||
      (grant.zone && !(*grant.zone == claim.zone))) {
    return false;
  }
  const auto among = [](const auto& list, const auto& wanted) {
    return std::find(list.begin(), list.end(), wanted) != list.end();
  };
  if (!grant.verbs.empty() && !among(grant.verbs, claim.verb)) {
    return false;
  }
  // Whoever deletes all of a name deletes what was not granted, too.
  const bool type_granted = grant.types.empty() ? !claim.type || !is_structural(*claim.type)
                                                : claim.type && among(grant.types, *claim.type);
  return type_granted && matches_pattern(grant.name_pattern, claim.name, claim.zone);
}

dsl::Error denied(Standing standing, const std::string& account, const Claim& claim) {
  return fail(Code::kPermissionDenied, "{} may not {} {} at {}", account, text(claim.verb),
              claim.type ? mcns::text(*claim.type) : std::string("everything"), claim.name.text())
      .hint(std::string(rule_of(standing)));
}

}  // namespace mcns::api
