#include "mcns/forward/chain.h"

#include <algorithm>

#include "mcns/forward/bailiwick.h"

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

std::optional<Name> open_end(const Name& name, Type type, const Message& answer) {
  const Name last = alias_chain({name, type, Class::kIn}, answer.answers).back();
  const auto has = [](const std::vector<Record>& records, auto&& is) {
    return std::any_of(records.begin(), records.end(), is);
  };
  const bool is_told = has(answer.answers, [&](const Record& record) {
    return record.name == last && (record.type == type || record.type == Type::kCname);
  });
  // RFC 2308 section 2.2: whoever knows that there is nothing says so with an SOA.
  const bool is_denied =
      answer.rcode != Rcode::kNoError ||
      has(answer.authorities, [](const Record& record) { return record.type == Type::kSoa; });
  return last == name || is_told || is_denied ? std::nullopt : std::optional(last);
}

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
