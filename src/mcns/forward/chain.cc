#include "mcns/forward/chain.h"

#include <algorithm>

namespace mcns {
namespace {

void fail(Message& whole) {
  whole.rcode = Rcode::kServFail;
  whole.authorities.clear();
}

// The owner is there in any case: `whole` tells that there is nothing. A target that is not there
// takes nothing from it but its addresses.
void add_as_alias(const AliasLink& alias, Type type, const Message& said, Message& whole) {
  if (said.rcode != Rcode::kNoError && said.rcode != Rcode::kNxDomain) {
    fail(whole);
    return;
  }
  std::uint32_t ttl = alias.ttl_max;
  for (const Record& record : said.answers) {
    ttl = std::min(ttl, record.ttl);
  }
  for (const Record& record : said.answers) {
    if (record.type == type) {
      whole.answers.push_back({alias.owner, type, Class::kIn, ttl, record.rdata});
      whole.authorities.clear();
    }
  }
}

}  // namespace

void join_chain(const AliasLink* alias, Type type, const Message* rest, Message& whole) {
  if (rest == nullptr) {
    fail(whole);
  } else if (alias != nullptr) {
    add_as_alias(*alias, type, *rest, whole);
  } else {
    // RFC 6604: the last name of the chain decides.
    whole.rcode = rest->rcode;
    whole.answers.insert(whole.answers.end(), rest->answers.begin(), rest->answers.end());
    whole.authorities = rest->authorities;
  }
}

}  // namespace mcns
