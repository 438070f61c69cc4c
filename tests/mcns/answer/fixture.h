// Answers as text: tests/mcns/answers/*.txt.
//
//   zone   example.test. = delegation.zone        a file beside it; any number of them
//   query  www.child.example.test. A              name, type, options:
//                                                 edns=SIZE (0 = none), tcp, rd, recurse, do
//   expect NOERROR aa=0                           rcode, and flags aa, tc, ra
//   answer www.example.test. 300 A 192.0.2.1      owner, TTL when it matters, type, data
//   auth   ...
//   extra  ...
//   any    extra                                  sections that may hold anything
//
// A section holds exactly the records that are said, in any order. "#" begins a comment.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mcns/answer/asking.h"
#include "mcns/wire/message.h"

namespace mcns::test {

struct ExpectedRecord {
  Name owner;
  Type type = Type::kA;
  std::optional<std::uint32_t> ttl;
  Bytes rdata;  // canonical form
};

struct FixtureCase {
  int line = 0;
  Asked asked;
  Rcode rcode = Rcode::kNoError;
  std::map<std::string, bool> flags;
  std::map<std::string, std::vector<ExpectedRecord>> sections;  // by "answer", "auth", "extra"
  std::set<std::string> any;
};

struct Fixture {
  std::vector<std::pair<Name, std::string>> zones;  // origin and file
  std::vector<FixtureCase> cases;
};

// The error says which line cannot be read.
dsl::Result<Fixture> parse_fixture(std::string_view text);
// What of `message` is not as expected, line by line; empty when all is.
std::string difference(const FixtureCase& expected, const Message& message);

}  // namespace mcns::test
