// What a server of a delegated zone says: it is asked without RD, and believed about its own zone
// only.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "mcns/forward/own_zones.h"
#include "mcns/wire/codes.h"

namespace mcns {

struct ChildAnswer {
  enum class Kind {
    kGood,
    kLeads,     // links of its zone, to `target`, of which it cannot tell
    kReferral,  // to `referral`, which is closer to the name
    kFailed,    // it cannot tell: another may
    kLame,      // it does not serve the zone
    kMalformed,
  };
  Kind kind = Kind::kMalformed;
  Rcode rcode = Rcode::kServFail;
  Bytes message;                       // kGood, kLeads: as Cache::insert takes it, with id 0
  Name target;                         // kLeads
  Delegation referral;                 // kReferral: with the glue that is in the zone
  std::optional<ExtendedError> error;  // kFailed: what it says about it (RFC 8914)
};

// Whether a name in the delegated zone is not the child's to tell of after all: it is in a zone of
// ours, or in one that we forward, deeper than the delegation.
using KnownElsewhere = std::function<bool(const Name& name)>;

// `response` has the question of `question`, which is about a name of `zone`.
ChildAnswer read_child_answer(const ForwardQuestion& question, const Name& zone,
                              const KnownElsewhere& is_known_elsewhere, std::string_view response);

// Of an address record; empty when its data is not one.
std::string address_in(const Record& record);

}  // namespace mcns
