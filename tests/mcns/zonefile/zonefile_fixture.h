// What the tests of zone files share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "mcns/rdata/rdata.h"
#include "mcns/zonefile/zonefile.h"
#include "support/result_matchers.h"
#include "support/test_env.h"

namespace mcns::test {

inline Name name(std::string_view text) { return dsl::test::require_ok(Name::parse(text)); }

// "www.example.org. 300 A 192.0.2.1".
inline std::string line_of(const Record& record) {
  return dsl::text("{} {} {} {}", record.name.text(), record.ttl, text(record.type),
                   rdata_text(record.type, record.rdata));
}

class ZonefileTest : public testing::Test {
 protected:
  ZonefileTest() {
    options.origin = name("example.org.");
    options.default_ttl = 300;
  }

  // Keeps lines and errors of what was read.
  dsl::Result<void> read(std::string_view text) {
    lines.clear();
    numbers.clear();
    errors.clear();
    auto outcome = read_zonefile(env, "zone", text, options,
                                 [this](Record record, int line) -> dsl::Result<void> {
                                   lines.push_back(line_of(record));
                                   numbers.push_back(line);
                                   return {};
                                 });
    if (!outcome) {
      for (const dsl::Detail& detail : outcome.error().details()) {
        errors.push_back(dsl::text("{}: {}", detail.where, detail.message));
      }
    }
    return outcome;
  }

  dsl::test::TestEnv env{1};
  ZonefileOptions options;
  std::vector<std::string> lines;
  std::vector<int> numbers;
  std::vector<std::string> errors;
};

}  // namespace mcns::test
