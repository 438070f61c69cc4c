// What the shell offers when Tab is pressed. The scripts only carry words to the program and
// candidates back; which words fit is decided here, for every shell alike.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/cli/cli.h"

namespace dsl::cli {

struct Candidate {
  std::string word;
  std::string help;  // may be empty
};

struct Candidates {
  std::vector<Candidate> words;  // all begin with the word under the cursor
  bool files = false;            // names of files fit, too
};

using LiveSource = std::function<std::vector<std::string>(std::string_view source)>;

// `words` are those after the program's name; the last one, maybe empty, is under the cursor.
Candidates complete_words(const Command& program, const LiveSource& live,
                          const std::vector<std::string>& words);

// The script to be sourced by bash, zsh or fish. It calls `program __complete -- WORD...`.
Result<std::string> completion_script(std::string_view shell, std::string_view program);

}  // namespace dsl::cli
