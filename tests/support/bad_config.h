// Shows that a program refuses bad configuration files as it should.
//
//   expect_refused({MC_BIN_DIR "/mcq", "server", "--config", "{}"},
//                  {{"unknown key", "[server]\nlisen = \":0\"\n", 2, "did you mean server.listen"},
//                   ...});
#pragma once

#include <string>
#include <vector>

namespace dsl::test {

struct BadConfig {
  std::string kind;  // names the case when it fails
  std::string toml;
  int line = 0;       // which must be named; 0 = only the file, as for a key that is missing
  std::string words;  // expected in the message or its hint
};

// Runs `argv` once for each case with "{}" replaced by a file of that content. Each run must end by
// itself with exit code 2 and print `error:`, the file with the line, `words` and `hint:` to
// stderr, and nothing to stdout.
void expect_refused(const std::vector<std::string>& argv, const std::vector<BadConfig>& cases);

}  // namespace dsl::test
