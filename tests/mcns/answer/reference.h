// The answer algorithm once more, as slow and as close to the words of the RFCs as it gets: what
// the real one is held against.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mcns/answer/zone_data.h"
#include "mcns/wire/message.h"

namespace mcns::test {

struct ReferenceAnswer {
  Rcode rcode = Rcode::kNoError;
  bool authoritative = true;
  std::vector<Record> answers;
  std::vector<Record> authorities;
  std::vector<Record> additionals;
  // The question's name, or where a chain leads to, when it is in no zone of ours; behind an ALIAS
  // also when it lies below a cut, and with the answer for a target without addresses.
  std::optional<Name> elsewhere;
};

// For a client that asks by a stream, so that everything fits, and without recursion. The zones
// outlive it.
class Reference {
 public:
  explicit Reference(const std::vector<ZoneData>& zones) : zones_(zones) {}

  // ANY is answered with every RRset of the name: a server may choose (RFC 8482).
  ReferenceAnswer answer(const Question& question) const;

 private:
  // RFC 1034 section 4.3.2 step 2, with RFC 4035 section 3.1.4.1 for DS.
  const ZoneData* zone_of(const Name& name, Type type) const;
  // Step 6, with the glue of referrals (RFC 9471). Wildcards give no addresses here.
  void add_addresses(const Question& question, ReferenceAnswer& answer) const;

  const std::vector<ZoneData>& zones_;
};

// What of a response differs from the answer of the reference, line by line; empty when nothing
// does.
std::string difference(const Question& question, const ReferenceAnswer& expected,
                       const Message& message);

}  // namespace mcns::test
