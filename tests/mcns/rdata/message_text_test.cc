#include <gtest/gtest.h>

#include "mcns/wire/message.h"
#include "rdata_fixture.h"

namespace mcns {
namespace {

using dsl::test::require_ok;
using test::name;

TEST(MessageText, LooksAsDigPrintsIt) {
  Message message{.id = 4711,
                  .response = true,
                  .authoritative = true,
                  .recursion_desired = true,
                  .rcode = Rcode::kNxDomain};
  message.questions = {{.name = name("nowhere.example."), .type = Type::kAaaa}};
  message.answers = {{.name = name("a-name-that-is-longer-than-its-column.example."),
                      .type = Type::kTxt,
                      .ttl = 60,
                      .rdata = require_ok(test::read(Type::kTxt, "\"a b\""))}};
  message.authorities = {{.name = name("example."),
                          .type = Type::kSoa,
                          .ttl = 300,
                          .rdata = require_ok(test::read(Type::kSoa, "a. b. 1 2 3 4 5"))}};
  message.edns =
      Edns{.dnssec_ok = true,
           .options = {{.code = kOptionExtendedError, .data = std::string("\0\x12no", 4)},
                       {.code = kOptionNsid, .data = "rift"},
                       {.code = 65001, .data = "\x01"}}};

  EXPECT_EQ(message.text(),
            ";; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 4711\n"
            ";; flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 1, ADDITIONAL: 1\n"
            "\n"
            ";; OPT PSEUDOSECTION:\n"
            "; EDNS: version: 0, flags: do; udp: 1232\n"
            "; EDE: 18 (Prohibited): \"no\"\n"
            "; NSID: \"rift\"\n"
            "; OPT=65001: 01\n"
            "\n"
            ";; QUESTION SECTION:\n"
            ";nowhere.example.       IN AAAA\n"
            "\n"
            ";; ANSWER SECTION:\n"
            "a-name-that-is-longer-than-its-column.example. 60 IN TXT \"a b\"\n"
            "\n"
            ";; AUTHORITY SECTION:\n"
            "example.                300 IN SOA a. b. 1 2 3 4 5\n");
}

}  // namespace
}  // namespace mcns
