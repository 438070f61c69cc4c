// Who may write which names: the one place that decides it. Nothing is allowed that is not said
// here.
//
//   account                      may write
//   administrator                everything
//   of Settings::agent_accounts  any record of any zone
//   any other system account     <account>.<zone> and names of underscore labels below it, such as
//                                _acme-challenge.<account>, in every zone; not NS, DS, DNAME
//   who has a grant              what the grant names
//   people                       nothing
//   guests                       nothing, whatever is granted
//
// An account may write over records that others made only when its row says "everything" or "any
// record"; the writer checks that, since it has the rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/clock.h"
#include "dsl/result/result.h"
#include "dsl/rpc/call.h"
#include "mcns/wire/codes.h"
#include "mcns/wire/name.h"

namespace mcns::api {

using dsl::Result;

enum class Verb { kAdd, kSet, kDelete };
std::string_view text(Verb verb);  // "add"
std::optional<Verb> parse_verb(std::string_view text);

// One thing that a call wants to write.
struct Claim {
  Name zone;
  Name name;                 // in the zone
  std::optional<Type> type;  // nothing: every type of the name
  Verb verb = Verb::kAdd;
};

// What an administrator allowed an account beyond its own names.
struct Grant {
  std::int64_t id = 0;
  std::string account;
  std::optional<Name> zone;  // nothing: every zone
  std::string name_pattern;  // below the zone; see `matches_pattern`
  std::vector<Type> types;   // empty: all but NS, DS and DNAME, which have to be named
  std::vector<Verb> verbs;   // empty: all
  std::optional<dsl::env::WallTime> expires_at;
  dsl::env::WallTime created_at;
  std::string created_by;
};

// Whether `name` is what `pattern` says of names below `zone`. "@" is the zone itself. Otherwise
// labels with dots between them: a literal, "*" for any one label but a wildcard's, "\*" for the
// wildcard's. "**" as the first label stands for one label or more, none of them a wildcard's.
bool matches_pattern(std::string_view pattern, const Name& name, const Name& zone);
// kInvalidArgument with what is wrong with the pattern.
Result<void> check_pattern(std::string_view pattern);

// What a caller is to the rules above.
enum class Standing { kAdmin, kAgent, kSystem, kPerson, kGuest };
Standing standing_of(const dsl::rpc::Caller& caller,
                     const std::vector<std::string>& agent_accounts);

// Whether records that belong to other accounts may be changed.
constexpr bool may_touch_others(Standing standing) {
  return standing == Standing::kAdmin || standing == Standing::kAgent;
}

// Whether the rules allow the claim to an account of this standing without any grant.
bool owns(Standing standing, std::string_view account, const Claim& claim);
// Whether this grant allows it to `account`.
bool allows(const Grant& grant, std::string_view account, const Claim& claim,
            dsl::env::WallTime now);
// kPermissionDenied that says what was wanted, and the rule for this standing.
dsl::Error denied(Standing standing, const std::string& account, const Claim& claim);

}  // namespace mcns::api
